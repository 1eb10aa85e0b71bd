"""The Redis broker: any number of processes, with the logs in Redis."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from longwire.broker.base import Receiver, Written
from longwire.broker.memory import NO_HISTORY
from longwire.broker.redis.connection.address import Address
from longwire.broker.redis.connection.commands import CALL_TIMEOUT, Commands
from longwire.broker.redis.connection.pubsub import PubSubConnection
from longwire.broker.redis.log.compaction import Compactor
from longwire.broker.redis.log.entry import (
    VOLATILE,
    encode_volatile,
    parse_notification,
    parse_volatile,
)
from longwire.broker.redis.log.publishing import LogWriter
from longwire.broker.redis.log.reading import LogReader
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.maintenance import AUDIT_INTERVAL, Maintenance
from longwire.broker.redis.precedence import Precedence
from longwire.broker.redis.subscription import RoomSubscription
from longwire.clock import wall_time
from longwire.errors import BrokerUnavailable
from longwire.log.condition import Condition
from longwire.log.publication import Draft, History
from longwire.log.retention import DEFAULT_RETENTION, RetentionLimits
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES
from longwire.types import Position

_Slice = tuple[str, "Position | None", int, int, bool]

logger = logging.getLogger("longwire.broker")

DEFAULT_PREFIX = "longwire"
DELIVERY_WAIT = 0.5
"""Seconds that a publish waits for its own notification before the log is read instead."""


class RedisBroker:
    """A `Broker` for any number of processes whose logs are in Redis.

    A Lua script appends an entry, assigns its offset and publishes it to the other nodes,
    atomically. Pub/sub only notifies: entries of a lost notification are read from the log.

    While Redis is unavailable, calls wait for `call_timeout` seconds and then raise
    `BrokerUnavailable`. This node reconnects by itself and catches up. Publishes with an id are
    repeated automatically.

    A room keeps its epoch as long as the same Redis process runs. After a restart or a failover,
    rooms get new epochs, since their newest entries may be lost, unless Redis is configured to
    sync every write to its disk (`appendonly yes`, `appendfsync always`).

    `url` addresses a single Redis, or a proxy in front of a primary and its replicas. Retention
    deletes the entries of a room; rooms without writes and subscribers are deleted after its
    `max_age`.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with user, password and database.
        prefix: the prefix of all keys; nodes with the same prefix share logs.
        retention: the bounds of each room's log; must be the same on all nodes.
        clock: returns the time in seconds. The clocks of nodes should agree within seconds.
        call_timeout: seconds that a call waits for Redis.
        audit_interval: seconds between two checks for lost notifications.

    Raises:
        ValueError: the URL is malformed.
    """

    is_durable = True
    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        retention: RetentionLimits = DEFAULT_RETENTION,
        clock: Callable[[], float] = wall_time,
        call_timeout: float = CALL_TIMEOUT,
        audit_interval: float = AUDIT_INTERVAL,
    ) -> None:
        address = Address(url, prefix)
        index = (f"{prefix}:{{rooms}}:written", f"{prefix}:{{rooms}}:used")
        self._clock = clock
        self._call_timeout = call_timeout
        self._node = secrets.token_hex(8).encode()
        self._channels = f"{prefix}@{address.database}:"
        self._receiver: Receiver | None = None
        self._subscriptions: dict[str, RoomSubscription] = {}
        self._reads: dict[_Slice, asyncio.Task[History]] = {}
        self._publishing = 0
        self._idle = asyncio.Event()
        scripts = RoomScripts(prefix, retention, self._now_ms)
        # Appends have a connection of their own, so that they do not wait behind large reads.
        self._queries = Commands(address, timeout=call_timeout)
        ask = self._queries.ask
        self._reader = LogReader(ask, scripts)
        self._compactor = Compactor(ask, self._reader, scripts)
        self._writer = LogWriter(scripts, self._channel, self._compactor.start, index, self._now_ms)
        self._appends = Commands(address, self._writer.gather, timeout=call_timeout)
        self._writer.connect(self._appends)
        self._precedence = Precedence(self._confirm, call_timeout)
        self._pubsub = PubSubConnection(
            address, self._receive_message, self._catch_up, self._precedence.lose, call_timeout
        )
        self._maintenance = Maintenance(
            ask,
            scripts,
            index,
            f"{prefix}:runs",
            self._subscriptions,
            self._now_ms,
            audit_interval,
        )

    async def start(self, receiver: Receiver) -> None:
        """Connect, and start delivering to `receiver`.

        Raises:
            BrokerUnavailable: Redis cannot be reached, rejects the password, or is a replica.
        """
        try:
            for part in (self._queries, self._appends, self._pubsub):
                await part.start()
        except BaseException:
            await self._disconnect()
            raise
        self._receiver = receiver
        self._idle = asyncio.Event()
        self._maintenance.start()

    async def check(self) -> None:
        """Ask Redis for an answer; see `Broker.check`."""
        self._require_started()
        await self._precedence.until_current()
        await self._queries.ask(lambda _: ("PING",))

    async def close(self) -> None:
        """Complete the publishes in progress, as far as Redis is available, and disconnect."""
        self._receiver = None
        if self._publishing:
            self._idle.clear()
            await self._idle.wait()
        await self._maintenance.close()
        await self._compactor.close()
        await self._precedence.close()
        for room in list(self._subscriptions):
            self._subscriptions.pop(room).close()
        await self._disconnect()

    async def publish(
        self,
        room: str,
        draft: Draft,
        *,
        id: str | None = None,
        condition: Condition | None = None,
    ) -> Position:
        """Append, notify, deliver; see `Broker.publish`.

        If Redis becomes unavailable after the append and before the notification, this returns
        before the entry is delivered on this node; it is delivered when Redis is back.
        """
        self._require_started()
        self._publishing += 1
        try:
            position = await self._writer.publish(room, draft, id, condition)
            await self._until_delivered(room, position)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()
        return position

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver without logging; see `Broker.publish_volatile`."""
        receiver = self._require_started()
        await self._precedence.until_current()
        notification = encode_volatile(self._node, draft)
        channel = self._channel(room)
        if room in self._subscriptions:
            receiver.receive_volatile(room, draft)
        command = (b"PUBLISH", channel, notification)
        await self._appends.call(lambda _: command, may_repeat=False).reply

    async def subscribe_first(self, room: str) -> None:
        """Start delivering `room` before others; see `Broker.subscribe_first`."""
        receiver = self._require_started()
        if room not in self._subscriptions:
            hold, read = self._maintenance.hold, self._read
            subscription = RoomSubscription(room, receiver, hold, read)
            self._subscriptions[room] = subscription
            self._precedence.add(subscription)
            loop = asyncio.get_running_loop()
            subscription.starting = loop.create_task(self._start(subscription))
        await self.subscribe(room)

    async def until_current(self) -> None:
        """Wait until this node has read what it missed; see `Broker.until_current`."""
        await self._precedence.until_current()

    async def subscribe(self, room: str) -> None:
        """Start delivering `room`; see `Broker.subscribe`."""
        receiver = self._require_started()
        subscription = self._subscriptions.get(room)
        if subscription is None:
            subscription = RoomSubscription(room, receiver, self._hold, self._read_current)
            self._subscriptions[room] = subscription
            loop = asyncio.get_running_loop()
            subscription.starting = loop.create_task(self._start(subscription))
        if subscription.starting is None:
            return
        try:
            await subscription.starting
        except BaseException:
            if self._subscriptions.get(room) is subscription:
                await self.unsubscribe(room)
            raise
        subscription.starting = None

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room`; see `Broker.unsubscribe`."""
        subscription = self._subscriptions.pop(room, None)
        if subscription is not None:
            subscription.close()
            self._pubsub.unsubscribe(self._channel(room))

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
        wanted = (room, since, limit, max_bytes, with_text)
        reading = self._reads.get(wanted)
        if reading is None:
            # Identical reads of one event loop iteration share a task: after a network failure, a
            # crowd of clients resumes from the same position.
            loop = asyncio.get_running_loop()
            reading = self._reads[wanted] = loop.create_task(self._read_current(*wanted))
            loop.call_soon(self._reads.pop, wanted)
        return await asyncio.shield(reading)

    async def newest(self, room: str, slot: str) -> tuple[Position, bytes] | None:
        """Return the newest entry of a slot; see `Broker.newest`."""
        self._require_started()
        return await self._reader.newest(room, slot)

    async def position(self, room: str) -> Position:
        """Return the end of `room`'s log; see `Broker.position`."""
        self._require_started()
        return await self._reader.position(room) or NO_HISTORY.position

    async def rooms(self, prefix: str) -> list[str]:
        """Return the rooms that start with `prefix`; see `Broker.rooms`."""
        self._require_started()
        return await self._maintenance.rooms(prefix)

    async def written_since(self, mark: str) -> Written:
        """Return the rooms that were written since a mark; see `Broker.written_since`."""
        self._require_started()
        return await self._maintenance.written_since(mark)

    def sweep(self) -> asyncio.Task[None]:
        """Delete rooms not used for `max_age`. Called automatically every minute."""
        return self._maintenance.sweep()

    def _require_started(self) -> Receiver:
        if self._receiver is None:
            raise BrokerUnavailable("the broker is not started, or is closed")
        return self._receiver

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _channel(self, room: str) -> bytes:
        return f"{self._channels}{room}".encode()

    def _receive_message(self, channel: bytes, payload: bytes) -> None:
        room = channel.decode().removeprefix(self._channels)
        subscription = self._subscriptions.get(room)
        if subscription is None:
            return
        try:
            self._receive(subscription, payload)
        except ValueError as error:
            logger.warning("dropped a malformed notification: %s", error, extra={"room": room})
            subscription.catch_up()

    def _receive(self, subscription: RoomSubscription, payload: bytes) -> None:
        if not payload.startswith(VOLATILE):
            subscription.receive(parse_notification(payload))
            return
        node, draft = parse_volatile(payload)
        if node != self._node and self._receiver is not None:
            self._receiver.receive_volatile(subscription.name, draft)

    async def _start(self, subscription: RoomSubscription) -> None:
        await self._pubsub.subscribe(self._channel(subscription.name))
        await subscription.start()

    def _catch_up(self) -> None:
        self._precedence.restore()
        for subscription in self._subscriptions.values():
            if not self._precedence.has(subscription.name):
                subscription.catch_up()

    async def _confirm(self, room: str) -> None:
        await self._pubsub.subscribe(self._channel(room))

    async def _hold(self, room: str) -> Position:
        position = await self._maintenance.hold(room)
        await self._precedence.until_current()  # afterwards: the connection may be lost meanwhile
        return position

    async def _read_current(
        self,
        room: str,
        since: Position | None,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        history = await self._read(room, since, limit, max_bytes, with_text)
        await self._precedence.until_current()
        return history

    async def _read(
        self,
        room: str,
        since: Position | None,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        return await self._reader.read(room, since, limit, max_bytes, with_text) or NO_HISTORY

    async def _until_delivered(self, room: str, position: Position) -> None:
        subscription = self._subscriptions.get(room)
        if subscription is None or not subscription.epoch:
            return
        reached = subscription.wait_until(position)
        if reached is None:
            return
        done, _ = await asyncio.wait([reached], timeout=DELIVERY_WAIT)
        if not done:
            subscription.catch_up()
            await asyncio.wait([reached], timeout=self._call_timeout)

    async def _disconnect(self) -> None:
        await asyncio.gather(self._pubsub.close(), self._appends.close(), self._queries.close())
