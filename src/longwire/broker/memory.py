"""The memory broker: one process, with the logs in its memory."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from itertools import takewhile

import msgspec
from msgspec import UNSET

from longwire.broker.base import Receiver, Written
from longwire.broker.idempotency import WINDOW_MS, IdempotencyWindow, Receipt, digest
from longwire.broker.sweeper import Sweeper
from longwire.clock import wall_time
from longwire.errors import BrokerUnavailable
from longwire.log.condition import NO_ATTEMPT, Condition, check
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import (
    DEFAULT_RETENTION,
    RetentionLimits,
    is_internal,
    limits_of,
)
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES, RoomLog
from longwire.types import Position

NO_HISTORY = History(Position("", 0), recovered=False, publications=(), complete=True)
"""What reading a room without a log returns."""


class MemoryLimits(msgspec.Struct, frozen=True):
    """Bounds of a memory broker in addition to those of each room.

    Attributes:
        max_idle_rooms: rooms without a subscriber; beyond that, the one idle longest is deleted.
            An empty room takes about 2 kB.
        max_bytes: size of all logs together, beyond which idle rooms are deleted.
    """

    max_idle_rooms: int = 10_000
    max_bytes: int = 512 * 1024 * 1024


DEFAULT_LIMITS = MemoryLimits()


class _Room:
    __slots__ = ("attempt", "log", "window", "written", "written_ms")

    def __init__(self, log: RoomLog, now_ms: int) -> None:
        self.attempt = NO_ATTEMPT
        self.log = log
        self.window: IdempotencyWindow | None = None
        self.written = 0
        self.written_ms = now_ms

    def admit(self, condition: Condition | None, draft: Draft) -> Draft:
        """Check the condition of an append that is about to happen, and apply a patch.

        Returns the draft to append, or raises and changes nothing.
        """
        attempt, newest = self.attempt, None
        if draft.merge is not None or (condition is not None and condition.expect is not UNSET):
            newest = self.log.find_newest(draft)
        if condition is not None:
            attempt = check(condition, attempt, newest, self.log.epoch)
        draft = draft.merged(None if newest is None else newest.data)
        self.attempt = attempt
        return draft


class MemoryBroker:
    """A `Broker` for one process whose logs live as long as the process.

    After a restart, rooms are empty and have other epochs, so clients read them again. Publishing
    appends and delivers synchronously, without a task or a lock.
    """

    is_durable = False
    is_shared = False

    def __init__(
        self,
        *,
        retention: RetentionLimits = DEFAULT_RETENTION,
        limits: MemoryLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = wall_time,
    ) -> None:
        self._retention = retention
        self._limits = limits
        self._clock = clock
        self._receiver: Receiver | None = None
        self._sweeper = Sweeper(self.sweep)
        self._rooms: dict[str, _Room] = {}
        self._subscribed: set[str] = set()
        self._idle: OrderedDict[str, None] = OrderedDict()
        self._bytes = 0
        self._writes = 0
        # The rooms in the order of their last writes, since the first call of `written_since`.
        self._order: OrderedDict[str, _Room] | None = None
        self._run = ""

    async def start(self, receiver: Receiver) -> None:
        """Start delivering to `receiver`."""
        self._receiver = receiver
        self._run = secrets.token_hex(8)
        self._sweeper.start()

    async def check(self) -> None:
        """Return if the broker is started; see `Broker.check`."""
        self._require_started()

    async def close(self) -> None:
        """Stop delivering, and delete all rooms."""
        self._sweeper.stop()
        self._receiver = None
        self._rooms.clear()
        self._subscribed.clear()
        self._idle.clear()
        self._order = None
        self._bytes = 0

    async def publish(
        self,
        room: str,
        draft: Draft,
        *,
        id: str | None = None,
        condition: Condition | None = None,
    ) -> Position:
        """Append and deliver; see `Broker.publish`."""
        receiver = self._require_started()
        now_ms = self._now_ms()
        entry = self._rooms.get(room) or self._create(room, now_ms)
        log = entry.log
        if id is None:
            if condition is not None or draft.merge is not None:
                draft = entry.admit(condition, draft)
            publication = self._append(room, entry, draft, now_ms)
        else:
            window = entry.window = entry.window or IdempotencyWindow()
            body = digest(draft)
            known = window.find(room, id, body, now_ms)
            if known is not None:
                return Position(log.epoch, known)
            if condition is not None or draft.merge is not None:
                draft = entry.admit(condition, draft)
            publication = self._append(room, entry, draft, now_ms)
            window.add(id, Receipt(body, publication.last, now_ms + WINDOW_MS))
        if room in self._subscribed:
            receiver.receive_publication(room, publication)
        return Position(log.epoch, publication.last)

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver without logging; see `Broker.publish_volatile`."""
        receiver = self._require_started()
        if room in self._subscribed:
            receiver.receive_volatile(room, draft)

    async def subscribe(self, room: str) -> None:
        """Start delivering `room`; see `Broker.subscribe`."""
        self._subscribe(room)

    async def subscribe_first(self, room: str) -> None:
        """Start delivering `room`; no other room can overtake it within one process."""
        self._subscribe(room)

    async def until_current(self) -> None:
        """Return at once: the logs are in this process."""

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room`; see `Broker.unsubscribe`."""
        if room in self._subscribed:
            self._subscribed.remove(room)
            self._idle[room] = None
            self._evict()

    async def read(
        self,
        room: str,
        since: Position | None = None,
        *,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        """Read a slice of `room`'s log; see `Broker.read`."""
        self._require_started()
        entry = self._rooms.get(room)
        if entry is None:
            return NO_HISTORY
        return entry.log.read(since, limit=limit, max_bytes=max_bytes, with_text=with_text)

    async def newest(self, room: str, slot: str) -> tuple[Position, bytes] | None:
        """Return the newest entry of a slot; see `Broker.newest`."""
        self._require_started()
        entry = self._rooms.get(room)
        return None if entry is None else entry.log.newest_of(slot)

    async def position(self, room: str) -> Position:
        """Return the end of `room`'s log; see `Broker.position`."""
        self._require_started()
        entry = self._rooms.get(room)
        return NO_HISTORY.position if entry is None else entry.log.position

    async def rooms(self, prefix: str) -> list[str]:
        """Return the rooms that start with `prefix`; see `Broker.rooms`."""
        self._require_started()
        found = [
            (entry.written, name)
            for name, entry in self._rooms.items()
            if entry.written and name.startswith(prefix)
        ]
        return [name for _, name in sorted(found, reverse=True)]

    async def written_since(self, mark: str) -> Written:
        """Return the rooms that were written since a mark; see `Broker.written_since`."""
        self._require_started()
        if self._order is None:
            rooms = sorted(self._rooms.items(), key=lambda item: item[1].written)
            self._order = OrderedDict(item for item in rooms if item[1].written)
        run, _, number = mark.partition(" ")
        since = int(number) if run == self._run else 0
        newer = takewhile(lambda item: item[1].written > since, reversed(self._order.items()))
        names = [name for name, _ in newer]
        return Written(f"{self._run} {self._writes}", tuple(names[::-1]))

    def sweep(self) -> None:
        """Delete entries and idle rooms older than `max_age`. Called automatically every minute."""
        now_ms = self._now_ms()
        stale_ms = now_ms - int(self._retention.max_age * 1000)
        for room in [name for name in self._idle if self._rooms[name].written_ms < stale_ms]:
            self._delete(room)
        for entry in self._rooms.values():
            before = entry.log.byte_count
            entry.log.trim(now_ms)
            self._bytes += entry.log.byte_count - before

    def _subscribe(self, room: str) -> None:
        self._require_started()
        if room not in self._rooms:
            self._create(room, self._now_ms())
        self._subscribed.add(room)
        self._idle.pop(room, None)

    def _require_started(self) -> Receiver:
        if self._receiver is None:
            raise BrokerUnavailable("the broker is not started, or is closed")
        return self._receiver

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _create(self, room: str, now_ms: int) -> _Room:
        log = RoomLog(secrets.token_hex(8), limits_of(room, self._retention))
        entry = self._rooms[room] = _Room(log, now_ms)
        if room not in self._subscribed and not is_internal(room):
            self._idle[room] = None
            self._evict()
        return entry

    def _append(self, room: str, entry: _Room, draft: Draft, now_ms: int) -> Publication:
        before = entry.log.byte_count
        publication = entry.log.append(draft, now_ms)
        self._bytes += entry.log.byte_count - before
        self._writes = entry.written = self._writes + 1
        entry.written_ms = now_ms
        if self._order is not None:
            self._order[room] = entry
            self._order.move_to_end(room)
        if room in self._idle:
            self._idle.move_to_end(room)
        if self._bytes > self._limits.max_bytes:
            self._evict()
        return publication

    def _evict(self) -> None:
        """Delete the rooms idle longest until the limits hold, but never the one used last."""
        limits = self._limits
        while len(self._idle) > 1 and (
            len(self._idle) > limits.max_idle_rooms or self._bytes > limits.max_bytes
        ):
            self._delete(next(iter(self._idle)))

    def _delete(self, room: str) -> None:
        del self._idle[room]
        if self._order is not None:
            self._order.pop(room, None)
        self._bytes -= self._rooms.pop(room).log.byte_count
