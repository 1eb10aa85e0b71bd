"""Converts errors of the JSON codecs to `InvalidEvent` with the path of the invalid field."""

import math
import re
from collections.abc import Iterable
from typing import Any, Final, cast

from longwire.errors import InvalidEvent

CODEC_ERRORS: Final = (ValueError, TypeError, OverflowError, RecursionError)
"""What msgspec raises for data that is malformed, invalid, not UTF-8 or nested too deeply."""

_LOCATED = re.compile(r"(?P<detail>.*) - at `(?P<path>\$.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`", re.DOTALL)


MAX_DETAIL: Final = 200
"""Maximum length of a path or a detail. Both may quote a peer's data, and both are logged."""


def invalid_event(event: str, error: Exception) -> InvalidEvent:
    """Return the error that names the invalid field by its wire name."""
    path, detail = _explain(error)
    return InvalidEvent(event, _one_line(path), _one_line(detail))


def _explain(error: Exception) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "$", "nested too deeply"
    listed = getattr(error, "errors", None)
    if callable(listed):  # a pydantic ValidationError
        first = cast("list[dict[str, Any]]", listed())[0]
        return _path_of(first["loc"]), first["msg"]
    message = str(error)
    located = _LOCATED.fullmatch(message)
    path, detail = (located["path"], located["detail"]) if located else ("$", message)
    if missing := _MISSING.fullmatch(detail):
        path, detail = f"{path}.{missing['field']}", "Required field is missing"
    return path, detail


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:MAX_DETAIL])
    return shown if len(text) <= MAX_DETAIL else shown + "…"


def refuse_non_finite(event: str, value: object) -> None:
    """Reject NaN and infinities, which JSON cannot represent; msgspec would write `null`.

    Args:
        event: the event's wire name, for the error.
        value: the payload as dicts, lists and scalars.

    Raises:
        InvalidEvent: the payload contains such a number; names the first.
    """
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, float) and not math.isfinite(found):
            raise InvalidEvent(event, _one_line(_path_of(place)), f"{found} is not a JSON number")
        waiting.extend(((*place, step), item) for step, item in _members(found))


def _members(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).items()
    if isinstance(value, list | tuple | set):
        return enumerate(cast("list[object]", value))
    return ()


def _path_of(place: Iterable[str | int]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
