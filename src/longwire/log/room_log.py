"""The retained log of one room: append, supersede, compact, trim, and read from any position.

The log is a list of entries in the order of their offsets::

    _items    None  None  e3  None  e5  text(6…9)  |  e10  t11  None  t13
                      ^_head                       ^_compacted

A superseded entry is replaced by None (a tombstone), because removing it from the middle of the
list would cost time linear in the length of the log. Compaction removes tombstones and joins
adjacent text pieces, for many appends at once. State that retention passes over moves from the
head of the list to `_pinned_state`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import msgspec

from longwire.log.conflation import join_and_cover
from longwire.log.joined_text import JoinedText, join_text
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import DEFAULT_RETENTION, ENTRY_OVERHEAD, RetentionLimits
from longwire.types import Position

DEFAULT_SLICE_FRAMES = 256
"""Publications in one slice of a read: about a millisecond of work to write them to a client."""
DEFAULT_SLICE_BYTES = 512 * 1024
"""Bytes of data in one slice, exceeded by at most one publication. This bounds what a lagging
connection is handed at once."""
COMPACT_AFTER = 512
"""Text pieces and tombstones that trigger compaction. Compaction costs about 2 µs for each of them;
a read joins at most this many pieces one by one."""
MAX_STATE_ENTRIES = 4096
MAX_STATE_BYTES = 1024 * 1024
"""Bounds of the state that outlives the entries around it: it is read in one slice (see `read`)."""


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """Tells a copy of the log, such as a file, that the entries in `first`…`last` are gone.

    Attributes:
        replacement: the entry that they were joined into, if any.
    """

    first: int
    last: int
    replacement: JoinedText | None = None


@dataclass(eq=False, repr=False, slots=True)
class RoomLog:
    """An ordered, bounded, conflating log of one room.

    Offsets count from 1 without gaps and are never reused. The caller passes the time and persists
    the entries. Not thread-safe.

    Attributes:
        epoch: identifies this incarnation of the log. When a log of three entries is lost and has
            grown to four again, a client that resumes from offset 3 would miss three entries; the
            other epoch of the new log tells them apart.
        journal: if a list, every erasure is appended to it, so that a copy on disk can follow.
    """

    epoch: str
    _limits: RetentionLimits = DEFAULT_RETENTION
    journal: list[Erasure] | None = None
    _end: int = 0
    _trimmed: int = 0
    # Entries in order, None where one was superseded. _ends holds their offsets, for bisect.
    # Items before _head are gone; they are deleted in bulk.
    _items: list[Publication | None] = field(default_factory=list[Publication | None])
    _ends: list[int] = field(default_factory=list[int])
    _head: int = 0
    # The newest entry of each Latest slot, and those of them that are no longer in _items.
    _state: dict[str, Publication] = field(default_factory=dict[str, Publication])
    _pinned_state: dict[str, Publication] = field(default_factory=dict[str, Publication])
    _pinned_bytes: int = 0
    _live: int = 0
    _bytes: int = 0
    # Text pieces and tombstones since the last compaction; the length of _items after it; and
    # the number of tombstones before that index.
    _uncompacted: int = 0
    _compacted: int = 0
    _holes: int = 0

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
        """Rebuild a log from its entries.

        Args:
            epoch: the epoch of the log.
            entries: the retained entries in order; superseded ones may be among them.
            trimmed: the highest offset that retention has dropped.
            end: the end of the log, if `entries` does not contain the newest ones.
            limits: the bounds of the log.
            journal: receives the erasures from now on.
        """
        log = cls(epoch, limits, journal)
        log._trimmed = log._end = trimmed
        for entry in entries:
            log._end = entry.last
            log._admit(entry)
            log._bytes += _size(entry) - len(entry.data) - ENTRY_OVERHEAD
        log._end = max(log._end, end)
        log._compact()
        return log

    @property
    def position(self) -> Position:
        """The position of the newest entry."""
        return Position(self.epoch, self._end)

    @property
    def trimmed(self) -> int:
        """The highest offset that retention has dropped; 0 if nothing was dropped."""
        return self._trimmed

    @property
    def entry_count(self) -> int:
        """The number of retained entries; joined text counts as one."""
        return self._live

    @property
    def byte_count(self) -> int:
        """The size of the retained entries in bytes, including overhead."""
        return self._bytes

    @property
    def newest(self) -> Publication | None:
        """The newest entry; None if the log is empty."""
        return self._items[-1] if self._items else None

    def newest_of(self, slot: str) -> tuple[Position, bytes] | None:
        """Return position and data of the newest entry of a slot of state, None without one."""
        entry = self._state.get(slot)
        return None if entry is None else (Position(self.epoch, entry.last), entry.data)

    def find_newest(self, draft: Draft) -> Publication | None:
        """Return the newest retained entry of the event and slot of `draft`, None without one."""
        if draft.slot is not None and draft.concat is None:
            return self._state.get(draft.slot)
        for item in reversed(self._items):
            if item is not None and item.event == draft.event and item.slot == draft.slot:
                return item
        return None

    def append(self, draft: Draft, now_ms: int) -> Publication:
        """Append `draft` under the next offset."""
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
        """Read one conflated slice, of what follows `since` or of the whole retained log.

        A position can be recovered if it belongs to this epoch, is not beyond the end, and no entry
        after it was dropped by retention. For any other position, including forged ones, the
        retained log is read from its beginning.

        A slice ends at `limit` publications or `max_bytes` of data. It contains at least one
        publication and never ends before the highest dropped offset, since a reader could not
        continue from a position before that.

        Without `with_text`, the entries of `Concat` slots are treated as superseded.
        """
        recovered = self._can_recover(since)
        after = since.offset if recovered and since is not None else 0
        frames: list[Publication] = []
        size = 0
        complete = True
        for frame in join_and_cover(self._retained(after, with_text), after):
            full = len(frames) >= limit or size >= max_bytes
            if full and frames and frames[-1].last >= self._trimmed:
                complete = False
                break
            frames.append(frame)
            size += len(frame.data)
        return History(self.position, recovered, tuple(frames), complete)

    def trim(self, now_ms: int) -> None:
        """Drop old entries, then compact, which frees the memory of a room that is idle."""
        self.drop_old(now_ms)
        if self._uncompacted:
            self._compact()

    def drop_old(self, now_ms: int) -> None:
        """Drop entries older than `max_age`, except state and the newest entry."""
        horizon = now_ms - int(self._limits.max_age * 1000)
        while self._droppable_count():
            item = self._items[self._head]
            if item is not None and item.timestamp_ms >= horizon:
                break
            self._advance_head()

    def _can_recover(self, since: Position | None) -> bool:
        return (
            since is not None
            and since.epoch == self.epoch
            and self._trimmed <= since.offset <= self._end
        )

    def _retained(self, after: int, with_text: bool) -> Iterator[Publication]:
        """Yield the retained entries after `after`, in order. Pinned state precedes all others."""
        if self._pinned_state and next(reversed(self._pinned_state.values())).last > after:
            yield from [entry for entry in self._pinned_state.values() if entry.last > after]
        items = self._items
        for index in range(bisect_right(self._ends, after, self._head), len(items)):
            item = items[index]
            if item is not None and (with_text or item.concat is None):
                yield item

    def _admit(self, entry: Publication) -> None:
        """Add an entry at the end, supersede the older one of its slot, and enforce the bounds."""
        slot = entry.slot
        if slot is not None:
            if entry.concat is not None:
                self._uncompacted += 1
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
            self._enforce_bounds()
        if self._uncompacted >= COMPACT_AFTER:
            self._compact()

    def _supersede(self, older: Publication) -> None:
        if self._pinned_state and self._pinned_state.pop(older.slot or "", None) is not None:
            self._pinned_bytes -= _size(older)
        else:
            index = bisect_left(self._ends, older.last, self._head)
            self._items[index] = None
            self._uncompacted += 1
            self._holes += index < self._compacted
        self._erase(older)

    def _erase(self, entry: Publication) -> None:
        self._live -= 1
        self._bytes -= _size(entry)
        if self.journal is not None:
            self.journal.append(Erasure(entry.first, entry.last))

    # --- retention ---------------------------------------------------------------------------

    def _enforce_bounds(self) -> None:
        limits = self._limits
        while (
            self._bytes > limits.max_bytes or self._live > limits.max_entries
        ) and self._live > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop the oldest entry that is not state, or the oldest state if there is nothing else."""
        if self._droppable_count():
            while not self._advance_head():
                pass
        elif self._pinned_state:
            self._drop_pinned_state()
        else:
            while (item := self._items[self._head]) is None:
                self._pop_head()
            self._pop_head()
            self._drop_state(item)

    def _droppable_count(self) -> int:
        """How many retained entries are neither state nor the newest entry."""
        newest = self._items[-1] if self._items else None
        newest_is_other = newest is not None and newest.latest_slot is None
        return self._live - len(self._state) - newest_is_other

    def _advance_head(self) -> bool:
        """Remove the oldest item: pin it if it is state, or drop it and return True."""
        item = self._pop_head()
        if item is None:
            return False
        if item.latest_slot is None:
            self._drop(item)
            return True
        self._pinned_state[item.slot or ""] = item
        self._pinned_bytes += _size(item)
        while len(self._pinned_state) > MAX_STATE_ENTRIES or self._pinned_bytes > MAX_STATE_BYTES:
            self._drop_pinned_state()
        return False

    def _pop_head(self) -> Publication | None:
        head = self._head
        item = self._items[head]
        self._items[head] = None
        self._holes -= item is None and head < self._compacted
        self._head = head = head + 1
        if head >= COMPACT_AFTER and head * 2 >= len(self._items):
            del self._items[:head], self._ends[:head]
            self._head = 0
            self._compacted = max(0, self._compacted - head)
        return item

    def _drop_pinned_state(self) -> None:
        oldest = self._pinned_state.pop(next(iter(self._pinned_state)))
        self._pinned_bytes -= _size(oldest)
        self._drop_state(oldest)

    def _drop_state(self, entry: Publication) -> None:
        del self._state[entry.slot or ""]
        self._drop(entry)

    def _drop(self, entry: Publication) -> None:
        self._trimmed = max(self._trimmed, entry.last)
        self._erase(entry)

    # --- compaction --------------------------------------------------------------------------

    def _compact(self) -> None:
        """Remove tombstones and join adjacent text pieces.

        Two kinds of compaction keep the amortised cost of an append constant. Usually only the
        items since the last compaction are rebuilt, plus the one before them, which the first new
        piece may join. Tombstones in the older part stay there until they are at least half of
        it; then the whole log is rebuilt. Either way, each rebuilt item is paid for by an append:
        it was appended since the last compaction, or it is matched by a tombstone, and every
        tombstone was left by an append that superseded an entry.
        """
        whole = self._holes * 2 >= self._compacted - self._head
        start = self._head if whole else max(self._head, self._compacted - 1)
        before = [item for item in self._items[start:] if item is not None]
        after = list(join_text(before))
        if self.journal is not None:
            # Items that did not change are the same objects.
            known = set(map(id, before))
            self.journal += [
                Erasure(item.first, item.last, item)
                for item in after
                if isinstance(item, JoinedText) and id(item) not in known
            ]
        self._items[start:] = after
        self._ends[start:] = [item.last for item in after]
        self._live += len(after) - len(before)
        self._bytes += sum(map(_size, after)) - sum(map(_size, before))
        self._compacted = len(self._items)
        self._holes = 0 if whole else self._holes
        self._uncompacted = 0


def _size(entry: Publication) -> int:
    if isinstance(entry, JoinedText):
        return len(entry.data) + ENTRY_OVERHEAD + 16 * len(entry.offsets)
    return len(entry.data) + ENTRY_OVERHEAD
