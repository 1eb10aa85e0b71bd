"""The records of a history: publications as they were meant, frames as they were received."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from longwire.types import Position

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


class Fault(StrEnum):
    """The ways in which an entry of a log can be wrong."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    INVENTED = "invented"


class BrokenPromise(AssertionError):
    """A reader did not receive exactly what was published.

    Attributes:
        fault: what is wrong with the entry.
        room: the room.
        client: the name of the reader or the publisher.
        offset: the first offset that is wrong.
    """

    def __init__(self, fault: Fault, room: str, client: str, offset: int, detail: str) -> None:
        super().__init__(f"{client} in {room}: offset {offset} is {fault}: {detail}")
        self.fault = fault
        self.room = room
        self.client = client
        self.offset = offset


class Entry(msgspec.Struct, frozen=True):
    """An event in a form that can be compared.

    Attributes:
        event: the event's name.
        fields: the payload without the text and the timestamp, which the server may set.
        text: the value of the `concat` field.
        slot: the slot that the event conflates in, or None.
        concat: the name of the text field, or None. With a slot and without a text field, only
            the newest entry counts.
    """

    event: str
    fields: dict[str, Any]
    text: str
    slot: str | None
    concat: str | None

    @classmethod
    def read(cls, event: str, data: bytes, slot: str | None, concat: str | None) -> Entry:
        """Parse a JSON payload."""
        fields = _decode_fields(data)
        fields.pop("timestamp", None)
        text = fields.pop(concat, "") if concat is not None else ""
        return cls(event, fields, text, slot, concat)

    @property
    def is_state(self) -> bool:
        """Whether only the newest entry of its slot counts."""
        return self.slot is not None and self.concat is None

    def joins(self, other: Entry) -> bool:
        """Return whether both are pieces of one text."""
        return self.concat is not None and self.slot == other.slot and self.concat == other.concat


class Attempt(msgspec.Struct):
    """One publication, including its retries.

    Attributes:
        room: the room.
        entry: the published event.
        publisher: the publisher whose order the log must keep, or None.
        positions: the acknowledged positions; empty while the outcome is unknown.
    """

    room: str
    entry: Entry
    publisher: str | None
    positions: list[Position] = msgspec.field(default_factory=list[Position])


class RoomRecord:
    """The publications to one room.

    Attributes:
        name: the room.
        attempts: the publications, in the order of their last try.
        epoch: the epoch of the last acknowledgement.
        end: the highest offset acknowledged in that epoch.
        forgotten: the offset up to which retention may have dropped entries.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.attempts: dict[int, Attempt] = {}
        self.epoch: str = ""
        self.end: int = 0
        self.forgotten = 0
        self._keys: dict[str, int] = {}
        self._offered = 0

    def offer(self, entry: Entry, id: str | None, publisher: str | None) -> Attempt:
        """Record a try; a known id with the same event is a retry of that publication."""
        key = self._keys.get(id, 0) if id is not None else 0
        attempt = self.attempts.get(key)
        if attempt is None or attempt.entry != entry:
            attempt = Attempt(self.name, entry, publisher)
        elif attempt.positions:
            return attempt
        else:
            del self.attempts[key]  # the retry determines its place in the order
        self._offered += 1
        self.attempts[self._offered] = attempt
        if id is not None:
            self._keys[id] = self._offered
        return attempt

    def acknowledge(self, attempt: Attempt, position: Position) -> None:
        """Record the acknowledged position of a publication."""
        attempt.positions.append(position)
        if position.epoch != self.epoch:
            self.epoch, self.end = position.epoch, 0
        self.end = max(self.end, position.offset)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """An event as a reader received it, with the range of offsets that it covers."""

    first: int
    last: int
    event: str
    data: bytes


class Segment(msgspec.Struct):
    """Frames that a reader received one after another, without starting over.

    Attributes:
        epoch: the log's epoch; empty before the first frame.
        after: the offset that precedes the first frame.
        frames: the frames.
    """

    epoch: str
    after: int
    frames: list[Frame] = msgspec.field(default_factory=list[Frame])

    @property
    def position(self) -> Position:
        """The position after the last frame."""
        return Position(self.epoch, self.frames[-1].last if self.frames else self.after)
