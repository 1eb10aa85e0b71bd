"""What a room's log holds and what a read of it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from longwire.types import Position


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An entry before the log gave it an offset.

    Attributes:
        event: the event's wire name.
        data: the payload, one JSON object.
        slot: what the entry conflates under, such as `job:progress`: entries of one slot
            conflate with each other. None: the entry is kept and sent by itself. Slots are
            compared over the whole room, so a slot begins with the name of its event.
        concat: wire name of the text field that is appended (`Concat`). None in an entry with
            a slot means that the newest entry of the slot replaces the older ones (`Latest`).
    """

    event: str
    data: bytes
    slot: str | None = None
    concat: str | None = None


class Publication(msgspec.Struct, frozen=True, gc=False):
    """An entry of a room's log, or one frame that stands for several.

    The coverage rule: every entry in `first`…`last` is in this publication, or is superseded by
    a later retained entry that still comes, or is no longer retained.

    Attributes:
        first: the lowest offset that it stands for.
        last: the highest; the offset of its own newest entry.
        timestamp_ms: when the log took the newest entry in, in milliseconds since the epoch.
    """

    first: int
    last: int
    event: str
    data: bytes
    slot: str | None
    concat: str | None
    timestamp_ms: int


class History(msgspec.Struct, frozen=True):
    """What a read answers: one slice of a room's retained log, conflated.

    The ranges of the publications are adjacent. They start at the offset after `since`, or at 1
    when the log is read from its beginning, and when `complete` they end at `position.offset`.

    Attributes:
        position: the log's end at the moment of reading.
        recovered: whether nothing that was retained for the reader is missing. False: what the
            reader derived from earlier entries is void, and the retained log comes whole. A
            reader that goes on from an earlier slice and meets False was overtaken by
            retention, and begins anew likewise.
        complete: False: read on since `publications[-1].last`.
    """

    position: Position
    recovered: bool
    publications: tuple[Publication, ...]
    complete: bool
