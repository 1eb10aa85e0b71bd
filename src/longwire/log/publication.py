"""What the log of a room holds, and what reading it returns."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from longwire.types import Position


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An entry that has no offset yet.

    Attributes:
        event: the event's wire name.
        data: the payload, one JSON object.
        slot: entries with the same slot conflate with each other, for example `job:progress`.
            None: the entry is kept and sent by itself. Slots are compared across the whole room,
            so a slot begins with the name of its event.
        concat: the wire name of the text field that is appended (`Concat`). None in an entry with
            a slot means that the newest entry of the slot replaces the older ones (`Latest`).
        merge: returns the payload to append, given that of the newest entry of the slot, if there
            is one, and `data`, which is then a patch (`Merge`). The entry that it makes replaces
            the older ones of the slot. None: `data` is appended as it is.
    """

    event: str
    data: bytes
    slot: str | None = None
    concat: str | None = None
    merge: Callable[[bytes | None, bytes], bytes] | None = None

    def merged(self, newest: bytes | None) -> Draft:
        """Return the draft with the patch applied to the newest payload of the slot.

        A broker does this in the atomic step that appends, so that no patch is lost. The log and
        all readers get whole values, so conflation, resumes and clients need no rule of their own
        for `Merge`: merge patches cannot be composed (a deletion followed by an object), values
        can be replaced.

        Raises:
            InvalidEvent: the merged payload does not match the event's type, or is too large.
        """
        if self.merge is None:
            return self
        return Draft(self.event, self.merge(newest, self.data), self.slot, self.concat)


class Publication(msgspec.Struct, frozen=True, gc=False):
    """An entry of a room's log, or one frame that stands for several entries.

    The coverage rule: every entry in `first`…`last` is contained in this publication, or is
    superseded by a later retained entry that is still to come, or is no longer retained.

    Attributes:
        first: the lowest offset that it covers.
        last: the highest offset that it covers, which is the offset of its own newest entry.
        timestamp_ms: when the newest entry was appended, in milliseconds since the Unix epoch.
    """

    first: int
    last: int
    event: str
    data: bytes
    slot: str | None
    concat: str | None
    timestamp_ms: int

    @property
    def latest_slot(self) -> str | None:
        """The slot in which this entry replaces older ones; None unless it is a `Latest` entry."""
        return self.slot if self.concat is None else None


class History(msgspec.Struct, frozen=True):
    """The result of a read: one slice of a room's retained log, conflated.

    The ranges of the publications are adjacent. They start at the offset after `since`, or at 1
    if the log is read from its beginning. If `complete`, they end at `position.offset`.

    Attributes:
        position: the end of the log at the moment of reading.
        recovered: True if the slice continues from `since` and nothing retained is missing. False
            if it starts with the beginning of the retained log: the reader discards the state that
            it derived from earlier entries. While reading slice after slice, False means that
            retention has overtaken the reader, which starts over in the same way.
        complete: False if there is more: read again since `publications[-1].last`.
    """

    position: Position
    recovered: bool
    publications: tuple[Publication, ...]
    complete: bool
