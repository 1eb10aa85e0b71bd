"""Formats numbers and untrusted text for one cell of a table."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from longwire.cli.terminal import printable

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
NONE: Final = "-"
"""Shown for a value that is not known."""

_BARS: Final = "▁▂▃▄▅▆▇█"


def plain(text: str | None) -> str:
    """Return text that another user may have written as one line without control sequences."""
    return " ".join(Text.from_ansi(printable(text or NONE)).plain.split())


def number(value: float) -> str:
    """Return `1,234`, or `0.25` if it is small."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def size(value: float) -> str:
    """Return bytes with a unit: `412 B`, `1.2 MB`."""
    unit = 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.3g} {_UNITS[unit]}"


def seconds(value: float | None) -> str:
    """Return a duration with its largest units: `0.4 ms`, `12 s`, `3 m 05 s`, `2 h 10 m`."""
    if value is None:
        return NONE
    if value < 1:
        return f"{value * 1000:.3g} ms"
    whole = int(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def age(moment: int | None, now: float) -> str:
    """Return the time since a moment in milliseconds; `now` is in seconds."""
    return NONE if moment is None else seconds(max(1.0, now - moment / 1000))


def bars(values: Sequence[float], width: int) -> str:
    """Return the newest values as a line of bars; the highest bar is the greatest value."""
    shown = values[-width:]
    most = max(shown, default=0) or 1
    return "".join(_BARS[min(7, int(value / most * 7.999))] for value in shown)
