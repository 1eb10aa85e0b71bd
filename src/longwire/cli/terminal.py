"""Writes messages to the terminal, and makes untrusted text safe to print there."""

import contextlib
import re
from typing import Final

import click

# ECMA-48 § 5.4 (control sequences) and § 5.6 (control strings), then § 5.5 and ECMA-35 (other
# escapes), then single control characters: C0 except tab and line ends, DEL and C1.
_CONTROL: Final = re.compile(
    r"(?P<colour>\x1b\[[0-9:;]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def printable(text: str) -> str:
    """Return the text without control sequences, except those that set colours."""
    return _CONTROL.sub(lambda found: found["colour"] or "", text)


def print_message(message: object) -> None:
    """Print `longwire: MESSAGE` as one line on stderr; ignore a closed stderr."""
    text = " ".join(printable(str(message)).split()) or type(message).__name__
    with contextlib.suppress(OSError):
        click.echo(f"longwire: {text}", err=True)
