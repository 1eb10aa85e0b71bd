"""Lone surrogates in JSON, which JavaScript produces for a string that was cut inside an emoji.

`JSON.stringify` writes one as `\\ud83d`, which is valid JSON but cannot be encoded as UTF-8.
"""

import re
from typing import Final

# Matches every escape, so that text after an escaped backslash is not mistaken for one.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def replace_lone_surrogates(json: str) -> str:
    """Replace every lone surrogate in a JSON text by U+FFFD.

    A browser does the same when it encodes a string as UTF-8, for example for a WebSocket.
    """
    return _ESCAPE.sub(_replace, json)


def _replace(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["half"] else escape[0]
