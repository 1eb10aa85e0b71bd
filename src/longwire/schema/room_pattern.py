"""Room patterns such as `job:{job_id}`, which build and parse room names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from longwire.errors import ContractError, InvalidRoom

MAX_ROOM_LENGTH: Final = 200
"""Maximum length of a room name in characters. Every logged event and broker key contains it."""

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL = re.compile(r"[^{}:]+")


def is_room(room: str) -> bool:
    """Return whether a room name is valid: 1 to 200 printable characters without spaces.

    Printable excludes Unicode's control, format (zero-width, bidirectional), separator and
    surrogate characters. Names are compared without normalisation.
    """
    return 0 < len(room) <= MAX_ROOM_LENGTH and room.isprintable() and " " not in room


def check_room(room: str) -> None:
    """Check a room name.

    Raises:
        InvalidRoom: the name is not valid; says why.
    """
    if is_room(room):
        return
    if not room:
        raise InvalidRoom(room, "room name must not be empty")
    if len(room) > MAX_ROOM_LENGTH:
        raise InvalidRoom(
            room, f"room name must have at most {MAX_ROOM_LENGTH} characters, got {len(room)}"
        )
    raise InvalidRoom(room, f"room {room!r} contains whitespace or unprintable characters")


class Segment(NamedTuple):
    """A part of a pattern between colons: literal text, or a parameter."""

    text: str
    is_parameter: bool


@dataclass(frozen=True, slots=True)
class RoomPattern:
    """A pattern of room names, such as `job:{job_id}` or `global`.

    Colons separate segments; a parameter fills a whole segment. A value is printable text without
    whitespace. Only the value of a parameter at the end may contain colons, because it takes the
    rest of the name: `job:{job_id}` matches `job:2024:a/b` with the id `2024:a/b`.

    Attributes:
        template: the pattern's text.
        parameters: the names of its parameters, in order.
        segments: its parts.

    Raises:
        ContractError: the template is malformed.
    """

    template: str
    parameters: tuple[str, ...] = field(init=False, repr=False, compare=False)
    segments: tuple[Segment, ...] = field(init=False, repr=False, compare=False)
    _inner: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _format: str = field(init=False, repr=False, compare=False)
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        segments = tuple(_parse_segment(self.template, text) for text in self.template.split(":"))
        parameters = tuple(s.text for s in segments if s.is_parameter)
        if len(set(parameters)) != len(parameters):
            raise ContractError(f"room {self.template!r} uses a parameter twice")
        ends_open = segments[-1].is_parameter
        derived = {
            "segments": segments,
            "parameters": parameters,
            "_inner": parameters[:-1] if ends_open else parameters,
            "_format": ":".join(_placeholder(segment) for segment in segments),
            "_expression": re.compile(_expression(segments)),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def head(self) -> str | None:
        """The text before the first colon; None if that is a parameter."""
        first = self.segments[0]
        return None if first.is_parameter else first.text

    def build(self, **values: object) -> str:
        """Build a room name from parameter values.

        Raises:
            InvalidRoom: a value is missing, unknown or empty, or the name would be invalid.
        """
        if values.keys() != set(self.parameters):
            wanted = ", ".join(self.parameters) or "no parameters"
            raise InvalidRoom(self.template, f"room {self.template!r} takes {wanted}")
        return self.build_from(tuple(str(values[name]) for name in self.parameters))

    def build_from(self, values: tuple[str, ...]) -> str:
        """Build a room name from parameter values in order.

        Raises:
            InvalidRoom: a value is empty, or the name would be invalid.
        """
        room = self._format % values
        if "" in values:
            raise InvalidRoom(room, f"a parameter of room {self.template!r} is empty")
        if self._inner:
            self._check_inner(room, values)
        if not is_room(room):
            check_room(room)
        return room

    def _check_inner(self, room: str, values: tuple[str, ...]) -> None:
        for name, value in zip(self._inner, values, strict=False):
            if ":" in value:
                raise InvalidRoom(
                    room, f"{name} of room {self.template!r} must not contain a colon"
                )

    def match(self, room: str) -> dict[str, str] | None:
        """Return the values of the parameters, or None if the name does not match."""
        if not is_room(room):
            return None
        found = self._expression.fullmatch(room)
        return None if found is None else found.groupdict()

    def overlaps(self, other: RoomPattern) -> bool:
        """Return whether a room name can match both patterns."""
        mine, theirs = self.segments, other.segments
        for index, (left, right) in enumerate(zip(mine, theirs, strict=False)):
            if _takes_rest(mine, index) or _takes_rest(theirs, index):
                return True
            if not (left.is_parameter or right.is_parameter or left.text == right.text):
                return False
        return len(mine) == len(theirs)


def _parse_segment(template: str, text: str) -> Segment:
    if parameter := _PARAMETER.fullmatch(text):
        return Segment(parameter[1], True)
    if _LITERAL.fullmatch(text) and text.isprintable() and " " not in text:
        return Segment(text, False)
    raise ContractError(
        f"room {template!r}: {text!r} must be literal text or a whole {{parameter}}"
    )


def _placeholder(segment: Segment) -> str:
    return "%s" if segment.is_parameter else segment.text.replace("%", "%%")


def _expression(segments: tuple[Segment, ...]) -> str:
    parts = [f"(?P<{s.text}>[^:]+)" if s.is_parameter else re.escape(s.text) for s in segments[:-1]]
    last = segments[-1]
    parts.append(f"(?P<{last.text}>.+)" if last.is_parameter else re.escape(last.text))
    return ":".join(parts)


def _takes_rest(segments: tuple[Segment, ...], index: int) -> bool:
    return index == len(segments) - 1 and segments[index].is_parameter
