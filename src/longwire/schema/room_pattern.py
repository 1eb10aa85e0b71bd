"""Room names: the pattern `job:{job_id}` builds them and takes them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from longwire.errors import ContractError, InvalidRoom

MAX_ROOM_LENGTH: Final = 200
"""Characters of a room name. Names travel with every logged event and are keys in every broker."""

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL = re.compile(r"[^{}:]+")


def is_room(room: str) -> bool:
    """Tell whether every layer can carry a name: 1 to 200 printable characters, no space.

    Printable is Unicode's word: no control, format (zero-width, bidirectional), separator or
    surrogate characters. Names are compared as they are; nothing is normalised.
    """
    return 0 < len(room) <= MAX_ROOM_LENGTH and room.isprintable() and " " not in room


def check_room(room: str) -> None:
    """Refuse a name that is none, and say why.

    Raises:
        InvalidRoom: the name is none.
    """
    if is_room(room):
        return
    if not room:
        raise InvalidRoom(room, "a room name is empty")
    if len(room) > MAX_ROOM_LENGTH:
        raise InvalidRoom(room, f"a room name is longer than {MAX_ROOM_LENGTH} characters")
    raise InvalidRoom(
        room, f"room {room!r} has whitespace, control or other unprintable characters"
    )


class Segment(NamedTuple):
    """One part of a pattern between colons: a literal text, or a parameter."""

    text: str
    is_parameter: bool


@dataclass(frozen=True, slots=True)
class RoomPattern:
    """The shape of a family of rooms, such as `job:{job_id}` or `global`.

    Segments are separated by colons; a parameter fills a whole segment. A value is any printable
    text without whitespace. It may not hold a colon, except in a parameter that ends the pattern:
    that one takes the rest of the name, so `job:{job_id}` matches `job:2024:a/b` with the id
    `2024:a/b`.

    Attributes:
        template: the pattern as it was written.
        parameters: names of its parameters, in order.
        segments: its parts.

    Raises:
        ContractError: the pattern is written wrongly.
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
        """What its rooms' names have before their first colon; None if that is a parameter."""
        first = self.segments[0]
        return None if first.is_parameter else first.text

    def build(self, **values: object) -> str:
        """Make the room's name from its parameters' values.

        Raises:
            InvalidRoom: a value is missing, unknown, empty, or makes the name invalid.
        """
        if values.keys() != set(self.parameters):
            wanted = ", ".join(self.parameters) or "no parameters"
            raise InvalidRoom(self.template, f"room {self.template!r} takes {wanted}")
        return self.build_from(tuple(str(values[name]) for name in self.parameters))

    def build_from(self, values: tuple[str, ...]) -> str:
        """Make the room's name from its parameters' values in order.

        Raises:
            InvalidRoom: a value is empty or makes the name invalid.
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
                raise InvalidRoom(room, f"{name} of room {self.template!r} may not hold a colon")

    def match(self, room: str) -> dict[str, str] | None:
        """Return the values of the parameters, or None when the name does not fit."""
        if not is_room(room):
            return None
        found = self._expression.fullmatch(room)
        return None if found is None else found.groupdict()

    def overlaps(self, other: RoomPattern) -> bool:
        """Tell whether some room name fits both patterns."""
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
        f"room {template!r}: {text!r} is neither a literal nor one whole {{parameter}}"
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
