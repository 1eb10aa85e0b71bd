"""Recognises progress in the output of commands: percentages, bars and counters.

    "Downloading:  45%|████▌     | 45/100"   45.0  "Downloading"
    "[ 45%] Building CXX object main.cpp.o"  45.0  "Building CXX object main.cpp.o"
    "[ 3/10] compile foo.c"                  30.0  "compile foo.c"
    "12.5 % done"                            12.5  "done"

Pure, and linear in the length of any text. A percentage counts if it stands alone and is between
0 and 100: not as part of a URL (`/a%20b`), nor as a change (`+12%`).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# Characters of a line that are examined: progress stands near its start.
MAX_LINE: Final = 400

MAX_STEP: Final = 120

_LINE_END = re.compile(r"[\r\n]")

# Terminal colours, cursor movements and titles (CSI and OSC sequences of ECMA-48).
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")

_PERCENT = re.compile(r"(?<![^\s(\[|:=>])(\d{1,3}(?:\.\d{1,9})?) ?%(?![\w%&/=+-])")

_COUNTER = re.compile(r"\[ *(\d{1,9}) ?/ ?(\d{1,9}) *\]")

# A bar that follows the percentage.
_BAR = re.compile(r"[|\[(][█▉▊▋▌▍▎▏▐░▒▓━╸╺╾─■□▪▫●○=#>.\-_*+~ \d]*[|\])]")

_EDGES = " \t:;,|[](){}<>=#-*.…•·█▉▊▋▌▍▎▏▐░▒▓━╸╺╾─■□"


class ProgressLine(NamedTuple):
    """The progress that one line shows.

    Attributes:
        progress: percent, 0 to 100.
        step: the line's label, or an empty string.
    """

    progress: float
    step: str


class ProgressScanner:
    """Finds progress in the text of one stream, wherever the text is cut.

    Lines end with a newline, or with a carriage return if a bar is redrawn.
    """

    def __init__(self) -> None:
        self._line = ""

    def receive_text(self, text: str) -> ProgressLine | None:
        """Process the next piece of text; return the newest progress in it, if any."""
        if not _may_show_progress(text) and not _may_show_progress(self._line):
            self._skip(text)
            return None
        newest = None
        start = 0
        for end in _LINE_END.finditer(text):
            newest = self._end_line(text[start : min(end.start(), start + MAX_LINE)]) or newest
            start = end.end()
        self._line = (self._line + text[start : start + MAX_LINE])[:MAX_LINE]
        return self._peek() or newest

    def _skip(self, text: str) -> None:
        """Keep the unfinished line of a text without progress, which most output is."""
        start = max(text.rfind("\n"), text.rfind("\r")) + 1
        line = self._line if start == 0 else ""
        self._line = (line + text[start : start + MAX_LINE])[:MAX_LINE]

    def _end_line(self, rest: str) -> ProgressLine | None:
        line, self._line = self._line + rest, ""
        return parse_line(line)

    def _peek(self) -> ProgressLine | None:
        """Parse the unfinished line: a bar ends its line only when it is redrawn."""
        found = _PERCENT.search(self._line, 0, len(self._line) - 1) if self._line else None
        return parse_line(self._line) if found else None


def _may_show_progress(text: str) -> bool:
    return "%" in text or "/" in text


def parse_line(line: str) -> ProgressLine | None:
    """Return the progress that one line shows, or None."""
    if not _may_show_progress(line):
        return None
    line = _ESCAPE.sub("", line[:MAX_LINE])
    for found in _PERCENT.finditer(line):
        if (progress := float(found[1])) <= 100:
            return ProgressLine(progress, _label(line, found))
    for found in _COUNTER.finditer(line):
        done, total = int(found[1]), int(found[2])
        if total > 0 and done <= total:
            return ProgressLine(100 * done / total, _label(line, found))
    return None


def _label(line: str, figure: re.Match[str]) -> str:
    before = _clean(line[: figure.start()])
    return before or _clean(_BAR.sub("", line[figure.end() :], count=1))


def _clean(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable.strip(_EDGES)[:MAX_STEP].rstrip()
