"""The SQLite broker: one process, with the logs in a file that outlives it."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec

from longwire.broker.base import Receiver, Written
from longwire.broker.idempotency import IdempotencyWindow
from longwire.broker.memory import NO_HISTORY
from longwire.broker.sqlite.group_commit import GroupCommit, LoadedLog, SQLiteRoom
from longwire.broker.sweeper import Sweeper
from longwire.clock import wall_time
from longwire.errors import BrokerUnavailable
from longwire.log.condition import Condition
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import (
    DEFAULT_RETENTION,
    RetentionLimits,
    is_internal,
    limits_of,
)
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES, RoomLog
from longwire.types import Position

_WRITES_PER_MS: Final = 1 << 20
_CLOCK_STEP_MS: Final = 60_000
"""Writes are numbered by the time, so that the numbers go on rising after a restart. Rooms that
were written in the minute before it are listed again, in case that the clock was set back."""


class SQLiteLimits(msgspec.Struct, frozen=True):
    """Bounds of a SQLite broker in addition to those of each room.

    Attributes:
        max_rooms: rooms in the file; beyond that, the room without a subscriber that was written
            longest ago is deleted. The index in memory takes about 500 bytes per room.
        max_loaded_bytes: size of the logs in memory. Beyond it, logs without a subscriber are
            unloaded, and read from the file again when they are needed.
    """

    max_rooms: int = 100_000
    max_loaded_bytes: int = 128 * 1024 * 1024


DEFAULT_LIMITS = SQLiteLimits()


class SQLiteBroker:
    """A `Broker` for one process whose logs, epochs and publish ids survive in a file.

    Everything acknowledged or delivered survives `kill -9`. After a power failure the logs may
    have lost their newest entries, and then continue under new epochs. The file must be on a local
    disk. It is locked while it is open: one process uses it at a time. It never shrinks; space
    freed by retention is reused.

    After restoring the file from a backup, the logs continue under their old epochs, so clients
    that have seen newer entries may receive different entries under the same offsets.

    Reads are served from memory. A publish waits for one transaction of the writing thread;
    publishes that arrive in the meantime share the next transaction.
    """

    is_durable = True
    is_shared = False

    def __init__(
        self,
        path: str | Path,
        *,
        retention: RetentionLimits = DEFAULT_RETENTION,
        limits: SQLiteLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = wall_time,
    ) -> None:
        self._path = Path(path)
        self._retention = retention
        self._limits = limits
        self._clock = clock
        self._receiver: Receiver | None = None
        self._sweeper = Sweeper(self.sweep)
        self._commits = GroupCommit(self._deliver, self._now_ms)
        # All rooms, last written last; and the loaded ones without a subscriber, last used last.
        self._rooms: OrderedDict[str, SQLiteRoom] = OrderedDict()
        self._unused: OrderedDict[str, SQLiteRoom] = OrderedDict()
        self._subscribed: set[str] = set()
        self._next_id = 1
        self._loaded_bytes = 0
        self._writes = 0

    async def start(self, receiver: Receiver) -> None:
        """Open the file and start delivering to `receiver`.

        Raises:
            LogFileError: the file is in use, is not a log file, is corrupt, was written by a newer
                version or is not accessible. The file is unchanged.
        """
        for row in await self._commits.open(self._path):
            room = SQLiteRoom(row.id, row.name, row.epoch, row.trimmed, row.written_ms)
            room.end = row.end
            room.attempt = row.attempt
            room.stored = True
            room.written = (row.written_ms + _CLOCK_STEP_MS) * _WRITES_PER_MS
            self._writes = max(self._writes, room.written)
            self._rooms[row.name] = room
            self._next_id = max(self._next_id, row.id + 1)
        self._receiver = receiver
        self._sweeper.start()

    async def check(self) -> None:
        """Check that the file is still there; see `Broker.check`."""
        self._require_started()
        await self._commits.check()

    async def close(self) -> None:
        """Commit the publishes in progress, sync them to the disk and unlock the file."""
        self._sweeper.stop()
        await self._commits.close()
        self._receiver = None
        self._commits = GroupCommit(self._deliver, self._now_ms)  # for the next start
        self._rooms.clear()
        self._unused.clear()
        self._subscribed.clear()
        self._loaded_bytes = 0

    async def publish(
        self,
        room: str,
        draft: Draft,
        *,
        id: str | None = None,
        condition: Condition | None = None,
    ) -> Position:
        """Append, commit, deliver; see `Broker.publish`."""
        self._require_started()
        found = self._rooms.get(room) or self._create(room)
        loaded = found.loaded or await self._load(found)
        return await self._commits.publish(found, loaded, draft, id, condition)

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver without logging; see `Broker.publish_volatile`."""
        receiver = self._require_started()
        if room in self._subscribed:
            receiver.receive_volatile(room, draft)

    async def subscribe(self, room: str) -> None:
        """Start delivering `room`; see `Broker.subscribe`."""
        self._require_started()
        found = self._rooms.get(room) or self._create(room)
        self._subscribed.add(room)
        self._unused.pop(room, None)
        try:
            await self._load(found)
        except BaseException:
            await self.unsubscribe(room)
            raise

    async def subscribe_first(self, room: str) -> None:
        """Start delivering `room`; no other room can overtake it within one process."""
        await self.subscribe(room)

    async def until_current(self) -> None:
        """Return at once: only this process writes to the file."""

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room`; see `Broker.unsubscribe`."""
        if room in self._subscribed:
            self._subscribed.remove(room)
            found = self._rooms[room]
            if not found.stored and not found.pending:
                self._delete(found)
            elif found.loaded is not None:
                self._unused[room] = found
                self._unload_surplus()

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
        found = self._rooms.get(room)
        if found is None:
            return NO_HISTORY
        if since == found.position:
            return History(found.position, recovered=True, publications=(), complete=True)
        if with_text or found.loaded is not None:
            log = (await self._load(found)).log
        else:
            log = await self._commits.load_without_text(found, self._retention)
        return log.read(since, limit=limit, max_bytes=max_bytes, with_text=with_text)

    async def newest(self, room: str, slot: str) -> tuple[Position, bytes] | None:
        """Return the newest entry of a slot; see `Broker.newest`."""
        self._require_started()
        found = self._rooms.get(room)
        return None if found is None else (await self._load(found)).log.newest_of(slot)

    async def position(self, room: str) -> Position:
        """Return the end of `room`'s log; see `Broker.position`."""
        self._require_started()
        found = self._rooms.get(room)
        return NO_HISTORY.position if found is None else found.position

    async def rooms(self, prefix: str) -> list[str]:
        """Return the rooms that start with `prefix`; see `Broker.rooms`."""
        self._require_started()
        return [
            name
            for name, room in reversed(self._rooms.items())
            if room.stored and name.startswith(prefix)
        ]

    async def written_since(self, mark: str) -> Written:
        """Return the rooms that were written since a mark; see `Broker.written_since`."""
        self._require_started()
        since = int(mark) if mark.isdecimal() else 0
        names: list[str] = []
        if since != self._writes:
            newer = takewhile(
                lambda room: room.written > since or not room.written,
                reversed(self._rooms.values()),
            )
            names = [room.name for room in newer if room.written]
        return Written(str(self._writes), tuple(names[::-1]))

    def sweep(self) -> None:
        """Delete entries and idle rooms older than `max_age`. Called automatically every minute."""
        now_ms = self._now_ms()
        stale_ms = now_ms - int(self._retention.max_age * 1000)
        for room in list(takewhile(lambda room: room.written_ms < stale_ms, self._rooms.values())):
            if self._is_unused(room):
                self._delete(room)
        for room in (*self._unused.values(), *map(self._rooms.__getitem__, self._subscribed)):
            if room.loaded is not None:
                self._trim(room, room.loaded.log, now_ms)
        self._commits.expire_receipts(now_ms)

    def _trim(self, room: SQLiteRoom, log: RoomLog, now_ms: int) -> None:
        before = log.byte_count
        log.trim(now_ms)
        self._loaded_bytes += log.byte_count - before
        self._commits.erase(room)

    def _require_started(self) -> Receiver:
        if self._receiver is None:
            raise BrokerUnavailable("the broker is not started, or is closed")
        return self._receiver

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _deliver(self, room: SQLiteRoom, publication: Publication, grown: int) -> None:
        """Account for a committed entry, and deliver it if the room is subscribed."""
        self._rooms.move_to_end(room.name)
        self._writes = room.written = max(self._writes + 1, room.written_ms * _WRITES_PER_MS)
        if room.name in self._unused:
            self._unused.move_to_end(room.name)
        self._loaded_bytes += grown
        self._unload_surplus()
        if room.name in self._subscribed and self._receiver is not None:
            self._receiver.receive_publication(room.name, publication)

    def _create(self, name: str) -> SQLiteRoom:
        room = SQLiteRoom(self._next_id, name, secrets.token_hex(8), 0, self._now_ms())
        self._next_id += 1
        log = RoomLog(room.epoch, limits_of(name, self._retention), journal=[])
        room.loaded = LoadedLog(log, IdempotencyWindow())
        self._rooms[name] = room
        self._unused[name] = room
        if len(self._rooms) > self._limits.max_rooms:
            self._delete_oldest(room)
        return room

    async def _load(self, room: SQLiteRoom) -> LoadedLog:
        if room.loaded is None:
            room.pending += 1
            try:
                loaded = await self._commits.load(room, limits_of(room.name, self._retention))
            finally:
                room.pending -= 1
            return self._set_loaded(room, loaded)
        if room.name in self._unused:
            self._unused.move_to_end(room.name)
        return room.loaded

    def _set_loaded(self, room: SQLiteRoom, loaded: LoadedLog) -> LoadedLog:
        if room.loaded is not None:
            return room.loaded  # another caller of the same load was first
        room.loaded = loaded
        self._loaded_bytes += loaded.log.byte_count
        self._commits.erase(room)
        if room.name not in self._subscribed:
            self._unused[room.name] = room
        self._unload_surplus()
        return loaded

    def _unload_surplus(self) -> None:
        """Unload the logs used longest ago until the limit holds, but never the one used last."""
        while self._loaded_bytes > self._limits.max_loaded_bytes and len(self._unused) > 1:
            newest = next(reversed(self._unused))
            oldest = next((r for r in self._unused.values() if not r.pending), None)
            if oldest is None or oldest.name == newest:
                break
            if oldest.stored:
                self._commits.release(oldest)
                self._unload(oldest)
            else:
                self._delete(oldest)

    def _unload(self, room: SQLiteRoom) -> None:
        self._unused.pop(room.name, None)
        if room.loaded is not None:
            self._loaded_bytes -= room.loaded.log.byte_count
            room.end = room.position.offset
            room.loaded = None

    def _is_unused(self, room: SQLiteRoom) -> bool:
        is_held = room.pending or room.name in self._subscribed
        return not is_held and not is_internal(room.name)

    def _delete(self, room: SQLiteRoom) -> None:
        del self._rooms[room.name]
        self._unload(room)
        self._commits.delete(room)

    def _delete_oldest(self, newest: SQLiteRoom) -> None:
        """Delete the room written longest ago that is unused, other than `newest`."""
        unused = (r for r in self._rooms.values() if r is not newest and self._is_unused(r))
        oldest = next(unused, None)
        if oldest is not None:
            self._delete(oldest)
