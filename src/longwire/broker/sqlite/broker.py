"""The SQLite broker: one process, logs in a file that outlives it."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from longwire.broker.idempotency import IdempotencyWindow
from longwire.broker.memory import NOWHERE
from longwire.broker.sqlite.group_commit import FiledRoom, GroupCommit, LoadedLog
from longwire.broker.sweeper import Sweeper
from longwire.clock import wall_time
from longwire.errors import BrokerUnavailable
from longwire.log import History, RoomLog
from longwire.log.retention import DEFAULT_RETENTION, RetentionLimits
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.broker.base import Receiver
    from longwire.log import Draft, Publication
    from longwire.types import Position


class SQLiteLimits(msgspec.Struct, frozen=True):
    """Bounds of a SQLite broker beyond those of each room.

    Attributes:
        max_rooms: rooms in the file; of those without a subscriber, the one written longest ago
            goes first. The index in memory takes about 500 bytes a room.
        max_loaded_bytes: what logs may take in memory. Beyond it those without a subscriber are
            let go, and read from the file again when they are asked for.
    """

    max_rooms: int = 100_000
    max_loaded_bytes: int = 128 * 1024 * 1024


DEFAULT_LIMITS = SQLiteLimits()


class SQLiteBroker:
    """A `Broker` for one process whose logs, epochs and publish ids survive it.

    What was acknowledged or delivered survives kill -9. After a power failure the logs may have
    lost their newest entries, and then go on under new epochs. The file serves one process at a
    time, is locked while it is in use, and must be on a local disk. It keeps the size that it
    once had; space that retention frees is used again.

    A file that was put back from an older copy goes on under its old epochs: clients that saw
    more than it holds may be handed other entries under the offsets that they know.

    Reads are served from memory. A publish takes one round through the writing thread; those
    that come meanwhile share the next transaction.
    """

    is_lasting = True
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
        # All rooms, last written last; and those of them that are loaded without a subscriber.
        self._rooms: OrderedDict[str, FiledRoom] = OrderedDict()
        self._unused: OrderedDict[str, FiledRoom] = OrderedDict()
        self._subscribed: set[str] = set()
        self._next_id = 1
        self._loaded_bytes = 0

    async def start(self, receiver: Receiver) -> None:
        """Open the file and deliver to `receiver` from now on.

        Raises:
            LogFileError: the file is in use, foreign, corrupt, of a newer version or not
                accessible. It was left as it is.
        """
        for stored in await self._commits.open(self._path):
            room = FiledRoom(
                stored.id, stored.name, stored.epoch, stored.trimmed, stored.written_ms
            )
            room.end = stored.end
            room.stored = True
            self._rooms[stored.name] = room
            self._next_id = max(self._next_id, stored.id + 1)
        self._receiver = receiver
        self._sweeper.start()

    async def close(self) -> None:
        """Commit what waits, bring it to the disk and let go of the file."""
        self._sweeper.stop()
        await self._commits.close()
        self._receiver = None
        self._commits = GroupCommit(self._deliver, self._now_ms)  # for the next start
        self._rooms.clear()
        self._unused.clear()
        self._subscribed.clear()
        self._loaded_bytes = 0

    async def publish(self, room: str, draft: Draft, *, id: str | None = None) -> Position:
        """Append, commit, deliver; see `Broker.publish`."""
        self._started()
        filed = self._rooms.get(room) or self._create(room)
        loaded = filed.loaded or await self._load(filed)
        return await self._commits.publish(filed, loaded, draft, id)

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver past the log; see `Broker.publish_volatile`."""
        receiver = self._started()
        if room in self._subscribed:
            receiver.receive_volatile(room, draft)

    async def subscribe(self, room: str) -> None:
        """Deliver `room` from now on; see `Broker.subscribe`."""
        self._started()
        filed = self._rooms.get(room) or self._create(room)
        self._subscribed.add(room)
        self._unused.pop(room, None)
        try:
            await self._load(filed)
        except BaseException:
            await self.unsubscribe(room)
            raise

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room`; see `Broker.unsubscribe`."""
        if room in self._subscribed:
            self._subscribed.remove(room)
            filed = self._rooms[room]
            if not filed.stored and not filed.waiting:
                self._forget(filed)
            elif filed.loaded is not None:
                self._unused[room] = filed
                self._let_go_surplus()

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
        self._started()
        filed = self._rooms.get(room)
        if filed is None:
            return NOWHERE
        if since == filed.position:
            return History(filed.position, recovered=True, publications=(), complete=True)
        if with_text or filed.loaded is not None:
            log = (await self._load(filed)).log
        else:
            log = await self._commits.load_without_text(filed, self._retention)
        return log.read(since, limit=limit, max_bytes=max_bytes, with_text=with_text)

    async def position(self, room: str) -> Position:
        """The end of `room`'s log; see `Broker.position`."""
        self._started()
        filed = self._rooms.get(room)
        return NOWHERE.position if filed is None else filed.position

    async def rooms(self, prefix: str) -> list[str]:
        """Rooms that begin with `prefix`, last written first; see `Broker.rooms`."""
        self._started()
        return [
            name
            for name, filed in reversed(self._rooms.items())
            if filed.stored and name.startswith(prefix)
        ]

    def sweep(self) -> None:
        """Forget what is older than the retention's age. Called every minute by itself."""
        now_ms = self._now_ms()
        stale_ms = now_ms - int(self._retention.max_age * 1000)
        for filed in list(takewhile(lambda f: f.written_ms < stale_ms, self._rooms.values())):
            if self._is_unused(filed):
                self._forget(filed)
        for filed in (*self._unused.values(), *map(self._rooms.__getitem__, self._subscribed)):
            if filed.loaded is not None:
                self._trim(filed, filed.loaded.log, now_ms)
        self._commits.expire_receipts(now_ms)

    def _trim(self, filed: FiledRoom, log: RoomLog, now_ms: int) -> None:
        before = log.byte_count
        log.trim(now_ms)
        self._loaded_bytes += log.byte_count - before
        self._commits.erase(filed)

    def _started(self) -> Receiver:
        if self._receiver is None:
            raise BrokerUnavailable("the broker is not running")
        return self._receiver

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _deliver(self, filed: FiledRoom, publication: Publication, grown: int) -> None:
        """Take note of a committed entry, and hand it on if the room is subscribed."""
        self._rooms.move_to_end(filed.name)
        if filed.name in self._unused:
            self._unused.move_to_end(filed.name)
        self._loaded_bytes += grown
        self._let_go_surplus()
        if filed.name in self._subscribed and self._receiver is not None:
            self._receiver.receive_publication(filed.name, publication)

    def _create(self, name: str) -> FiledRoom:
        filed = FiledRoom(self._next_id, name, secrets.token_hex(8), 0, self._now_ms())
        self._next_id += 1
        filed.loaded = LoadedLog(
            RoomLog(filed.epoch, self._retention, journal=[]), IdempotencyWindow()
        )
        self._rooms[name] = filed
        self._unused[name] = filed
        if len(self._rooms) > self._limits.max_rooms:
            self._forget_surplus(filed)
        return filed

    async def _load(self, filed: FiledRoom) -> LoadedLog:
        if filed.loaded is None:
            filed.waiting += 1
            try:
                loaded = await self._commits.load(filed, self._retention)
            finally:
                filed.waiting -= 1
            return self._take_loaded(filed, loaded)
        if filed.name in self._unused:
            self._unused.move_to_end(filed.name)
        return filed.loaded

    def _take_loaded(self, filed: FiledRoom, loaded: LoadedLog) -> LoadedLog:
        if filed.loaded is not None:
            return filed.loaded  # someone else who waited was first
        filed.loaded = loaded
        self._loaded_bytes += loaded.log.byte_count
        self._commits.erase(filed)
        if filed.name not in self._subscribed:
            self._unused[filed.name] = filed
        self._let_go_surplus()
        return loaded

    def _let_go_surplus(self) -> None:
        """Let go of logs that were used longest ago, but never of the one used last."""
        while self._loaded_bytes > self._limits.max_loaded_bytes and len(self._unused) > 1:
            newest = next(reversed(self._unused))
            oldest = next((f for f in self._unused.values() if not f.waiting), None)
            if oldest is None or oldest.name == newest:
                break
            self._let_go(oldest)

    def _let_go(self, filed: FiledRoom) -> None:
        if not filed.stored:
            self._forget(filed)
            return
        self._commits.let_go(filed)
        self._unload(filed)

    def _unload(self, filed: FiledRoom) -> None:
        self._unused.pop(filed.name, None)
        if filed.loaded is not None:
            self._loaded_bytes -= filed.loaded.log.byte_count
            filed.end = filed.position.offset
            filed.loaded = None

    def _is_unused(self, filed: FiledRoom) -> bool:
        return not filed.waiting and filed.name not in self._subscribed

    def _forget(self, filed: FiledRoom) -> None:
        del self._rooms[filed.name]
        self._unload(filed)
        self._commits.forget(filed)

    def _forget_surplus(self, newest: FiledRoom) -> None:
        unused = (f for f in self._rooms.values() if f is not newest and self._is_unused(f))
        oldest = next(unused, None)
        if oldest is not None:
            self._forget(oldest)
