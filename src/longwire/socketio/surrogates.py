"""Halves of characters: what JavaScript writes for a text that was cut inside an emoji.

`JSON.stringify` writes such a half as `\\ud83d`, which is JSON; but no UTF-8 can carry it, and no
Python `str` may be encoded with it.
"""

from __future__ import annotations

import re
from typing import Final

# Every escape, so that the text behind an escaped backslash is not taken for one.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def replace_lone_surrogates(json: str) -> str:
    """Return the JSON with U+FFFD for every half of a pair that stands alone.

    So does everything that turns JavaScript's strings into UTF-8, a browser's WebSocket included.
    """
    return _ESCAPE.sub(_whole, json)


def _whole(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["half"] else escape[0]
