"""The retained log of one room: append, supersede, fold, trim, read from anywhere."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import msgspec

from longwire.log.conflation import joined
from longwire.log.joined_text import Run, fold
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import DEFAULT_RETENTION, ENTRY_OVERHEAD, RetentionLimits
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

DEFAULT_SLICE_FRAMES = 256
"""Publications in one slice of a read: about a millisecond of work for who writes them out."""
DEFAULT_SLICE_BYTES = 512 * 1024
"""Bytes of data in one slice, exceeded by at most one publication: what a lagging connection
may be handed at once."""
SETTLE_AFTER = 512
"""Loose pieces and tombstones before the log is folded. Folding costs each of them about 2 µs;
a read joins at most so many pieces one by one."""
MAX_STATE_ENTRIES = 4096
MAX_STATE_BYTES = 1024 * 1024
"""Bounds of the state that outlives the entries around it. It comes in one slice (see `read`)."""


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """A change to entries that are stored elsewhere too: those in `first`…`last` are gone.

    Attributes:
        replacement: the run that they were folded into, if they were.
    """

    first: int
    last: int
    replacement: Run | None = None


class RoomLog:
    """An ordered, bounded, conflating log of one room.

    Offsets count from 1 without holes and are never used twice. Pure: the caller tells the time
    and persists what it wants to keep. One thread at a time.

    Attributes:
        epoch: names this incarnation of the log.
        journal: if a list, every erasure is appended to it, for a copy on disk to follow.
    """

    __slots__ = (
        "_aside",
        "_aside_bytes",
        "_bytes",
        "_end",
        "_ends",
        "_head",
        "_holes",
        "_items",
        "_limits",
        "_live",
        "_loose",
        "_settled",
        "_state",
        "_trimmed",
        "epoch",
        "journal",
    )

    def __init__(
        self,
        epoch: str,
        limits: RetentionLimits = DEFAULT_RETENTION,
        journal: list[Erasure] | None = None,
    ) -> None:
        self.epoch = epoch
        self.journal = journal
        self._limits = limits
        self._end = 0
        self._trimmed = 0
        # Entries in order, None where one was superseded; _ends holds their offsets, for bisect.
        self._items: list[Publication | None] = []
        self._ends: list[int] = []
        self._head = 0
        # The newest entry of each Latest slot; _aside holds those that retention passed over.
        self._state: dict[str, Publication] = {}
        self._aside: dict[str, Publication] = {}
        self._aside_bytes = 0
        self._live = 0
        self._bytes = 0
        # Pieces and tombstones since the log was folded last; how long it was then, and how
        # many tombstones have come into that part.
        self._loose = 0
        self._settled = 0
        self._holes = 0

    @classmethod
    def restore(
        cls,
        epoch: str,
        entries: Iterable[Publication],
        *,
        trimmed: int = 0,
        end: int = 0,
        limits: RetentionLimits = DEFAULT_RETENTION,
        journal: list[Erasure] | None = None,
    ) -> Self:
        """Rebuild a log from its entries in order; superseded ones among them do no harm.

        Args:
            epoch: its epoch.
            entries: those that are retained.
            trimmed: the highest offset that a bound has dropped.
            end: the log's end, where the last entries are left out.
            limits: its bounds.
            journal: takes the erasures from now on.
        """
        log = cls(epoch, limits, journal)
        log._trimmed = log._end = trimmed
        for entry in entries:
            log._end = entry.last
            log._admit(entry)
            log._bytes += _size(entry) - len(entry.data) - ENTRY_OVERHEAD
        log._end = max(log._end, end)
        log._settle()
        return log

    @property
    def position(self) -> Position:
        """The log's end."""
        return Position(self.epoch, self._end)

    @property
    def trimmed(self) -> int:
        """The highest offset that a bound of retention has dropped; 0 if none was."""
        return self._trimmed

    @property
    def entry_count(self) -> int:
        """Retained entries; a folded run counts as one."""
        return self._live

    @property
    def byte_count(self) -> int:
        """Bytes that the retained entries take, overhead included."""
        return self._bytes

    @property
    def newest(self) -> Publication | None:
        """The newest entry; None if nothing was ever appended."""
        return self._items[-1] if self._items else None

    def append(self, draft: Draft, now_ms: int) -> Publication:
        """Give `draft` the next offset and keep it."""
        offset = self._end = self._end + 1
        publication = Publication(
            offset, offset, draft.event, draft.data, draft.slot, draft.concat, now_ms
        )
        self._admit(publication)
        return publication

    def read(
        self,
        since: Position | None = None,
        *,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        """Read a slice, conflated, from the offset after `since` or of the whole retained log.

        A position recovers if it is of this epoch, not beyond the end, and nothing behind it was
        dropped by a bound. Any other, hostile ones included, gets the retained log whole.

        Slices end at `limit` publications or `max_bytes` of data, but hold at least one, and
        never end before the highest offset that a bound has dropped: from there on, reading on
        since the last publication recovers.

        Without text it is as if the pieces of `Concat` slots had been superseded.
        """
        recovered = self._recovers(since)
        after = since.offset if recovered and since is not None else 0
        frames: list[Publication] = []
        size = 0
        complete = True
        for frame in joined(self._retained(after, with_text), after):
            full = len(frames) >= limit or size >= max_bytes
            if full and frames and frames[-1].last >= self._trimmed:
                complete = False
                break
            frames.append(frame)
            size += len(frame.data)
        return History(self.position, recovered, tuple(frames), complete)

    def trim(self, now_ms: int) -> None:
        """Drop what is older than the age bound, state and the newest entry excepted; tidy up."""
        horizon = now_ms - int(self._limits.max_age * 1000)
        while self._droppable():
            item = self._items[self._head]
            if item is not None and item.timestamp_ms >= horizon:
                break
            self._pass_head()
        if self._loose:
            self._settle()

    def _recovers(self, since: Position | None) -> bool:
        return (
            since is not None
            and since.epoch == self.epoch
            and self._trimmed <= since.offset <= self._end
        )

    def _retained(self, after: int, with_text: bool) -> Iterator[Publication]:
        """What is retained behind `after`, in order."""
        if self._aside and next(reversed(self._aside.values())).last > after:
            yield from [entry for entry in self._aside.values() if entry.last > after]
        items = self._items
        for index in range(bisect_right(self._ends, after, self._head), len(items)):
            item = items[index]
            if item is not None and (with_text or item.concat is None):
                yield item

    def _admit(self, entry: Publication) -> None:
        """Put an entry at the end, supersede, and keep within the bounds."""
        slot = entry.slot
        if slot is not None:
            if entry.concat is not None:
                self._loose += 1
            else:
                older = self._state.get(slot)
                if older is not None:
                    self._supersede(older)
                self._state[slot] = entry
        self._items.append(entry)
        self._ends.append(entry.last)
        self._live += 1
        self._bytes += len(entry.data) + ENTRY_OVERHEAD
        limits = self._limits
        if self._bytes > limits.max_bytes or self._live > limits.max_entries:
            self._keep_bounds()
        if self._loose >= SETTLE_AFTER:
            self._settle()

    def _supersede(self, older: Publication) -> None:
        if self._aside and self._aside.pop(older.slot or "", None) is not None:
            self._aside_bytes -= _size(older)
        else:
            index = bisect_left(self._ends, older.last, self._head)
            self._items[index] = None
            self._loose += 1
            self._holes += index < self._settled
        self._erase(older)

    def _erase(self, entry: Publication) -> None:
        self._live -= 1
        self._bytes -= _size(entry)
        if self.journal is not None:
            self.journal.append(Erasure(entry.first, entry.last))

    # --- retention ---------------------------------------------------------------------------

    def _keep_bounds(self) -> None:
        limits = self._limits
        while (
            self._bytes > limits.max_bytes or self._live > limits.max_entries
        ) and self._live > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop the oldest entry that is no state, or if there is none the oldest state."""
        if self._droppable():
            while not self._pass_head():
                pass
        elif self._aside:
            self._drop_aside()
        else:
            while (item := self._items[self._head]) is None:
                self._pop_head()
            self._pop_head()
            self._drop_state(item)

    def _droppable(self) -> int:
        """How many retained entries are neither state nor the newest."""
        newest = self._items[-1] if self._items else None
        newest_is_other = newest is not None and not _is_state(newest)
        return self._live - len(self._state) - newest_is_other

    def _pass_head(self) -> bool:
        """Take the oldest item off: state is set aside, anything else is dropped (True)."""
        item = self._pop_head()
        if item is None:
            return False
        if not _is_state(item):
            self._drop(item)
            return True
        self._aside[item.slot or ""] = item
        self._aside_bytes += _size(item)
        while len(self._aside) > MAX_STATE_ENTRIES or self._aside_bytes > MAX_STATE_BYTES:
            self._drop_aside()
        return False

    def _pop_head(self) -> Publication | None:
        head = self._head
        item = self._items[head]
        self._items[head] = None
        self._holes -= item is None and head < self._settled
        self._head = head = head + 1
        if head >= SETTLE_AFTER and head * 2 >= len(self._items):
            del self._items[:head], self._ends[:head]
            self._head = 0
            self._settled = max(0, self._settled - head)
        return item

    def _drop_aside(self) -> None:
        oldest = self._aside.pop(next(iter(self._aside)))
        self._aside_bytes -= _size(oldest)
        self._drop_state(oldest)

    def _drop_state(self, entry: Publication) -> None:
        del self._state[entry.slot or ""]
        self._drop(entry)

    def _drop(self, entry: Publication) -> None:
        self._trimmed = max(self._trimmed, entry.last)
        self._erase(entry)

    # --- folding -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Take tombstones out and fold adjacent pieces.

        What was appended since the last time is folded, or everything once half of what was
        settled is gone: either way it costs what the appends since have paid for.
        """
        whole = self._holes * 2 >= self._settled - self._head
        start = self._head if whole else max(self._head, self._settled - 1)
        loose = [item for item in self._items[start:] if item is not None]
        folded = list(fold(loose))
        if self.journal is not None:
            known = set(map(id, loose))
            self.journal += [
                Erasure(item.first, item.last, item)
                for item in folded
                if isinstance(item, Run) and id(item) not in known
            ]
        self._items[start:] = folded
        self._ends[start:] = [item.last for item in folded]
        self._live += len(folded) - len(loose)
        self._bytes += sum(map(_size, folded)) - sum(map(_size, loose))
        self._settled = len(self._items)
        self._holes = 0 if whole else self._holes
        self._loose = 0


def _is_state(entry: Publication) -> bool:
    return entry.slot is not None and entry.concat is None


def _size(entry: Publication) -> int:
    if isinstance(entry, Run):
        return len(entry.data) + ENTRY_OVERHEAD + 16 * len(entry.offsets)
    return len(entry.data) + ENTRY_OVERHEAD
