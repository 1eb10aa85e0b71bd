"""What is recorded: publications as they were meant, frames as they came."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from longwire.types import Position

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


class Fault(StrEnum):
    """What can be wrong with an entry of a log."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    INVENTED = "invented"


class BrokenPromise(AssertionError):
    """A log was not applied exactly as it was published.

    Attributes:
        fault: what happened to the entry.
        room: the room.
        client: who applied it, or published it.
        offset: the first offset at which it is so.
    """

    def __init__(self, fault: Fault, room: str, client: str, offset: int, detail: str) -> None:
        super().__init__(f"{client} in {room}: offset {offset} is {fault}: {detail}")
        self.fault = fault
        self.room = room
        self.client = client
        self.offset = offset


class Entry(msgspec.Struct, frozen=True):
    """An event as its publisher meant it.

    Attributes:
        event: its name.
        fields: its payload without the text, and without the timestamp, which may be stamped on
            the way.
        text: the text that is appended, if the event is a piece of one.
        slot: what it conflates under, if it does.
        concat: the field of the text; None with a slot means that the newest entry counts.
    """

    event: str
    fields: dict[str, Any]
    text: str
    slot: str | None
    concat: str | None

    @classmethod
    def read(cls, event: str, data: bytes, slot: str | None, concat: str | None) -> Entry:
        """Read a payload in JSON."""
        fields = _decode_fields(data)
        fields.pop("timestamp", None)
        text = fields.pop(concat, "") if concat is not None else ""
        return cls(event, fields, text, slot, concat)

    @property
    def is_state(self) -> bool:
        """Whether only the newest entry of its slot counts."""
        return self.slot is not None and self.concat is None

    def joins(self, other: Entry) -> bool:
        """Whether both are pieces of one text."""
        return self.concat is not None and self.slot == other.slot and self.concat == other.concat


class Attempt(msgspec.Struct):
    """One publication, however often it was tried.

    Attributes:
        room: its room.
        entry: what is published.
        publisher: whose order it has to keep, if anybody's.
        positions: where it stands, as its publisher was told; empty while nobody knows.
    """

    room: str
    entry: Entry
    publisher: str | None
    positions: list[Position] = msgspec.field(default_factory=list[Position])


class RoomRecord:
    """What was published to one room.

    Attributes:
        name: the room.
        attempts: in the order in which they were offered last.
        epoch: the log that was written last.
        end: the highest offset of it that was acknowledged.
        forgotten: up to where retention may have dropped entries.
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
        """Take down a try; a known id is one of the same publication, unless it says otherwise."""
        key = self._keys.get(id, 0) if id is not None else 0
        attempt = self.attempts.get(key)
        if attempt is None or attempt.entry != entry:
            attempt = Attempt(self.name, entry, publisher)
        elif attempt.positions:
            return attempt
        else:
            del self.attempts[key]  # its place in the order is that of the new try
        self._offered += 1
        self.attempts[self._offered] = attempt
        if id is not None:
            self._keys[id] = self._offered
        return attempt

    def acknowledge(self, attempt: Attempt, position: Position) -> None:
        """Take down where an attempt stands."""
        attempt.positions.append(position)
        if position.epoch != self.epoch:
            self.epoch, self.end = position.epoch, 0
        self.end = max(self.end, position.offset)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """An event as a reader got it, with the offsets that it stands for."""

    first: int
    last: int
    event: str
    data: bytes


class Stretch(msgspec.Struct):
    """Frames that a reader applied one after the other, without beginning anew.

    Attributes:
        epoch: the log's incarnation; empty before the first frame.
        after: the offset behind which it begins.
    """

    epoch: str
    after: int
    frames: list[Frame] = msgspec.field(default_factory=list[Frame])

    @property
    def position(self) -> Position:
        """How far it goes."""
        return Position(self.epoch, self.frames[-1].last if self.frames else self.after)
