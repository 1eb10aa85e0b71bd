"""The Redis broker: many processes share logs that live in Redis."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

from longwire.broker.memory import NOWHERE
from longwire.broker.redis.connection.address import Address
from longwire.broker.redis.connection.commands import PATIENCE, Commands
from longwire.broker.redis.connection.pubsub import Doorbell
from longwire.broker.redis.log.entry import VOLATILE, parse_bell, parse_volatile, volatile_bell
from longwire.broker.redis.log.folding import Folder
from longwire.broker.redis.log.publishing import Publisher
from longwire.broker.redis.log.reading import LogReader
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.maintenance import Upkeep
from longwire.broker.redis.subscription import Feed
from longwire.clock import wall_time
from longwire.errors import BrokerUnavailable
from longwire.log.retention import DEFAULT_RETENTION, RetentionLimits
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.broker.base import Receiver
    from longwire.log import Draft, History
    from longwire.types import Position

_Slice = tuple[str, "Position | None", int, int, bool]

logger = logging.getLogger("longwire.broker")

DEFAULT_PREFIX = "longwire"
DELIVERY_WAIT = 0.5
"""Seconds that a publish waits for its own bell; then the log is read."""


class RedisBroker:
    """A `Broker` for any number of processes, whose logs live in Redis.

    The log is the truth, and pub/sub only the doorbell: an entry is appended, given its offset
    and announced in one piece, and what an announcement did not bring is read from the log.

    While Redis is away, calls wait for a few seconds and then raise `BrokerUnavailable`; this
    node comes back by itself and catches up. A publish with an id is repeated by itself, too.

    What Redis loses, it loses with its epochs: a room goes on under its epoch as long as the same
    run of Redis goes on. After a restart or a failover the logs have new epochs, since their
    newest entries may be missing, unless Redis is known to answer only what is on its disk
    (`appendonly yes`, `appendfsync always`).

    One Redis, or whatever stands before a primary and its replicas. The entries of a room are
    deleted as `retention` says; rooms that nobody writes or subscribes to leave after its age.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with user, password and database.
        prefix: begins the names of all keys; nodes with the same one share logs.
        retention: the bounds of one room's log, the same on all nodes.
        clock: tells the time in seconds; nodes' clocks should agree within seconds.

    Raises:
        ValueError: the address is malformed.
    """

    is_lasting = True
    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        retention: RetentionLimits = DEFAULT_RETENTION,
        clock: Callable[[], float] = wall_time,
    ) -> None:
        address = Address(url, prefix)
        index = (f"{prefix}:{{rooms}}:written", f"{prefix}:{{rooms}}:used")
        self._clock = clock
        self._node = secrets.token_hex(8).encode()
        self._channels = f"{prefix}@{address.database}:"
        self._receiver: Receiver | None = None
        self._feeds: dict[str, Feed] = {}
        self._reads: dict[_Slice, asyncio.Task[History]] = {}
        self._publishing = 0
        self._idle = asyncio.Event()
        scripts = RoomScripts(prefix, retention, self._now_ms)
        self._questions = Commands(address)
        self._reader = LogReader(self._questions.ask, scripts)
        self._folder = Folder(self._questions.ask, self._reader, scripts)
        self._publisher = Publisher(scripts, self._channel, self._folder.begin, index, self._now_ms)
        self._appends = Commands(address, self._publisher.gather)
        self._publisher.connect(self._appends)
        self._doorbell = Doorbell(address, self._ring, self._catch_up)
        self._upkeep = Upkeep(
            self._questions.ask, scripts, index, f"{prefix}:runs", self._feeds, self._now_ms
        )

    async def start(self, receiver: Receiver) -> None:
        """Connect and deliver to `receiver` from now on.

        Raises:
            BrokerUnavailable: Redis cannot be reached, refuses the password, or is a replica.
        """
        try:
            for part in (self._questions, self._appends, self._doorbell):
                await part.start()
        except BaseException:
            await self._disconnect()
            raise
        self._receiver = receiver
        self._idle = asyncio.Event()
        self._upkeep.start()

    async def close(self) -> None:
        """Finish what was begun, as far as Redis is there, and let go of it."""
        self._receiver = None
        if self._publishing:
            self._idle.clear()
            await self._idle.wait()
        await self._upkeep.close()
        await self._folder.close()
        for room in list(self._feeds):
            self._feeds.pop(room).close()
        await self._disconnect()

    async def publish(self, room: str, draft: Draft, *, id: str | None = None) -> Position:
        """Append, announce, deliver; see `Broker.publish`.

        Should Redis go away between taking the entry in and announcing it, this returns before
        the entry was delivered on this node; it will be when Redis is back.
        """
        self._started()
        self._publishing += 1
        try:
            position = await self._publisher.publish(room, draft, id)
            await self._until_delivered(room, position)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()
        return position

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver past the log; see `Broker.publish_volatile`."""
        receiver = self._started()
        bell = volatile_bell(self._node, draft)
        channel = self._channel(room)
        if room in self._feeds:
            receiver.receive_volatile(room, draft)
        await self._appends.call(lambda _: (b"PUBLISH", channel, bell), may_repeat=False).reply

    async def subscribe(self, room: str) -> None:
        """Deliver `room` from now on; see `Broker.subscribe`."""
        receiver = self._started()
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = Feed(room, receiver, self._upkeep.hold, self._read)
            feed.beginning = asyncio.get_running_loop().create_task(self._begin(feed))
        if feed.beginning is None:
            return
        try:
            await feed.beginning
        except BaseException:
            if self._feeds.get(room) is feed:
                await self.unsubscribe(room)
            raise
        feed.beginning = None

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room`; see `Broker.unsubscribe`."""
        feed = self._feeds.pop(room, None)
        if feed is not None:
            feed.close()
            self._doorbell.unlisten(self._channel(room))

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
        wanted = (room, since, limit, max_bytes, with_text)
        reading = self._reads.get(wanted)
        if reading is None:
            # Who asks for the same in the same tick, as crowds do that come back, shares it.
            loop = asyncio.get_running_loop()
            reading = self._reads[wanted] = loop.create_task(self._read(*wanted))
            loop.call_soon(self._reads.pop, wanted)
        return await asyncio.shield(reading)

    async def position(self, room: str) -> Position:
        """The end of `room`'s log; see `Broker.position`."""
        self._started()
        return await self._reader.position(room) or NOWHERE.position

    async def rooms(self, prefix: str) -> list[str]:
        """Rooms that begin with `prefix`, last written first; see `Broker.rooms`."""
        self._started()
        return await self._upkeep.rooms(prefix)

    def sweep(self) -> asyncio.Task[None]:
        """Forget what is older than the retention's age. Called every minute by itself."""
        return self._upkeep.sweep()

    def _started(self) -> Receiver:
        if self._receiver is None:
            raise BrokerUnavailable("the broker is not running")
        return self._receiver

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _channel(self, room: str) -> bytes:
        return f"{self._channels}{room}".encode()

    def _ring(self, channel: bytes, payload: bytes) -> None:
        room = channel.decode().removeprefix(self._channels)
        feed = self._feeds.get(room)
        if feed is None:
            return
        try:
            self._take(feed, payload)
        except ValueError as error:
            logger.warning("dropped what is no bell: %s", error, extra={"room": room})
            feed.catch_up()

    def _take(self, feed: Feed, payload: bytes) -> None:
        if not payload.startswith(VOLATILE):
            feed.ring(parse_bell(payload))
            return
        node, draft = parse_volatile(payload)
        if node != self._node and self._receiver is not None:
            self._receiver.receive_volatile(feed.name, draft)

    async def _begin(self, feed: Feed) -> None:
        await self._doorbell.listen(self._channel(feed.name), PATIENCE)
        await feed.begin()

    def _catch_up(self) -> None:
        for feed in self._feeds.values():
            feed.catch_up()

    async def _read(
        self,
        room: str,
        since: Position | None,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        return await self._reader.read(room, since, limit, max_bytes, with_text) or NOWHERE

    async def _until_delivered(self, room: str, position: Position) -> None:
        feed = self._feeds.get(room)
        reached = feed.reached(position) if feed is not None and feed.epoch else None
        if feed is None or reached is None:
            return
        done, _ = await asyncio.wait([reached], timeout=DELIVERY_WAIT)
        if not done:
            feed.catch_up()
            await asyncio.wait([reached], timeout=PATIENCE)

    async def _disconnect(self) -> None:
        await asyncio.gather(self._doorbell.close(), self._appends.close(), self._questions.close())
