"""Text of other people on a terminal."""

from __future__ import annotations

import re
from typing import Final

# ECMA-48, § 5.4 (control sequences), § 5.6 (control strings), § 5.5 and ECMA-35 (other escapes),
# then single control characters: C0 but for tab and the line's ends, DEL and C1.
_CONTROL: Final = re.compile(
    r"(?P<colour>\x1b\[[0-9:;]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def printable(text: str) -> str:
    """Return the text with its colours and without everything else that moves a terminal."""
    return _CONTROL.sub(lambda found: found["colour"] or "", text)
