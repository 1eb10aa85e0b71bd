"""Maintenance: keeps subscribed rooms, deletes unused ones, and finds lost notifications."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

from longwire.background import BackgroundTasks
from longwire.broker.base import Written
from longwire.broker.redis.connection.address import Command, Reply
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.scripts import FORGET, HOLD, STALE
from longwire.broker.redis.subscription import RoomSubscription
from longwire.broker.sweeper import Sweeper
from longwire.errors import BrokerUnavailable
from longwire.log.retention import is_internal
from longwire.types import Position

logger = logging.getLogger("longwire.broker")

AUDIT_INTERVAL = 5.0
"""Seconds between two audits for rooms that were written without a notification. They are rare:
Redis closes a connection instead of skipping a message on it, and that is noticed at once."""
MAX_STALE = 1_000
"""Unused rooms deleted at once."""


class Maintenance:
    """Maintains the index of rooms, and audits the subscriptions of this node.

    Args:
        ask: sends a command and returns the reply.
        scripts: builds the commands.
        index: the keys of the index: rooms by their last write, and by their last use.
        runs: the key of `begin.lua`.
        subscriptions: the subscribed rooms of this node.
        now_ms: returns the time.
        audit_interval: see `AUDIT_INTERVAL`.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[bytes], Command]], Awaitable[Reply]],
        scripts: RoomScripts,
        index: tuple[str, str],
        runs: str,
        subscriptions: Mapping[str, RoomSubscription],
        now_ms: Callable[[], int],
        audit_interval: float,
    ) -> None:
        self._ask = ask
        self._scripts = scripts
        self._index = index
        self._runs = runs
        self._subscriptions = subscriptions
        self._now_ms = now_ms
        self._sweeper = Sweeper(self.sweep)
        self._auditor = Sweeper(self._start_audit, audit_interval)
        self._tasks = BackgroundTasks()
        self._birth: bytes | None = b""
        # The newest write at the audit before the last one, and at the last one. An audit looks at
        # the writes since the former: a room is in the index shortly before its log grows.
        self._audited = [0, 0]
        self._received: dict[str, int] = {}

    def start(self) -> None:
        """Start the timers."""
        self._sweeper.start()
        self._auditor.start()

    async def close(self) -> None:
        """Stop the timers and the work in progress."""
        self._sweeper.stop()
        self._auditor.stop()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def hold(self, room: str) -> Position:
        """Mark a room as used, create it if it does not exist, and return its end.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        now_ms = self._now_ms()
        (epoch, end), _ = await asyncio.gather(
            self._ask(self._scripts.command(HOLD, room)),
            self._ask(lambda _: (b"ZADD", self._index[1], "XX", now_ms, room)),
        )
        subscription = self._subscriptions.get(room)
        if subscription is not None:
            subscription.held_ms = now_ms
        return Position(epoch.decode(), end)

    async def rooms(self, prefix: str) -> list[str]:
        """Return the written rooms whose names start with `prefix`, last written first."""
        names: list[bytes] = await self._ask(lambda _: (b"ZREVRANGE", self._index[0], 0, -1))
        return [room for room in map(bytes.decode, names) if room.startswith(prefix)]

    async def written_since(self, mark: str) -> Written:
        """Return the rooms that were written since a mark; see `Broker.written_since`.

        A mark is outdated if this run of Redis lacks data of the run that it came from, if the
        numbers of the index have started over, or if it is so old that they may have.
        """
        lineage = b""

        def newest_write(current: bytes) -> Command:
            nonlocal lineage
            lineage = current
            return (b"ZREVRANGE", self._index[0], 0, 0, "WITHSCORES")

        found: list[bytes] = await self._ask(newest_write)
        newest = int(found[1]) if found else 0
        now_ms = self._now_ms()
        runs = lineage.decode().split(" ")
        since = _number_of(mark, runs, now_ms - self._scripts.max_age_ms // 2)
        if since > newest:
            since = 0
        written = [] if since == newest else await self._written_since(since)
        newest = int(written[-1]) if written else newest
        rooms = tuple(name.decode() for name in written[::2])
        return Written(f"{runs[0]} {now_ms} {newest}", rooms)

    def sweep(self) -> asyncio.Task[None]:
        """Mark the subscribed rooms as used, and delete rooms that were not used for `max_age`."""
        return self._tasks.start(self._try(self._sweep()))

    async def _sweep(self) -> None:
        now_ms = self._now_ms()
        due_ms = now_ms - self._scripts.max_age_ms // 4
        due = [room.name for room in self._subscriptions.values() if room.held_ms < due_ms]
        await asyncio.gather(*map(self.hold, due))
        stale_ms = now_ms - self._scripts.max_age_ms
        while names := await self._stale(stale_ms):
            idle = [name for name in names if not is_internal(name)]
            forget = (self._scripts.command(FORGET, name, (stale_ms,)) for name in idle)
            await asyncio.gather(*map(self._ask, forget))

    async def _stale(self, stale_ms: int) -> list[str]:
        names: list[bytes] = await self._ask(
            lambda _: (b"EVALSHA", STALE.sha, 2, *self._index, stale_ms, MAX_STALE)
        )
        return [name.decode() for name in names]

    def _start_audit(self) -> None:
        self._tasks.start(self._try(self._audit()))

    async def _audit(self) -> None:
        """Let subscriptions catch up whose room was written without a notification.

        If `birth` has changed, Redis was flushed, and all of them catch up.
        """
        birth: bytes | None = await self._ask(lambda _: (b"HGET", self._runs, "birth"))
        if birth != self._birth:
            self._birth = birth
            self._audited = [await self._newest_write()] * 2
            missed = list(self._subscriptions)
        else:
            since, seen = self._audited
            written = await self._written_since(since)
            self._audited = [seen, int(written[-1]) if written else seen]
            missed = self._without_delivery(name.decode() for name in written[::2])
        for room in missed:
            subscription = self._subscriptions.get(room)
            if subscription is not None:
                subscription.catch_up()

    def _without_delivery(self, written: Iterable[str]) -> list[str]:
        """Return the written rooms that have delivered nothing since the last audit.

        The others received a notification, and the next one will reveal a gap, if there is one.
        """
        before = self._received
        rooms = [room for name in written if (room := self._subscriptions.get(name)) is not None]
        self._received = {room.name: room.received for room in rooms}
        return [room.name for room in rooms if before.get(room.name) == room.received]

    async def _newest_write(self) -> int:
        newest: list[bytes] = await self._ask(
            lambda _: (b"ZREVRANGE", self._index[0], 0, 0, "WITHSCORES")
        )
        return int(newest[1]) if newest else 0

    async def _written_since(self, write: int) -> list[bytes]:
        """Return names and write numbers, alternating."""
        command = (b"ZRANGEBYSCORE", self._index[0], f"({write}", "+inf", "WITHSCORES")
        written: list[bytes] = await self._ask(lambda _: command)
        return written

    async def _try(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except BrokerUnavailable as error:
            logger.info("%s", error)


def _number_of(mark: str, runs: list[str], oldest_ms: int) -> int:
    """Return the number of the write at which a mark stands; 0 if it is outdated."""
    match mark.split(" "):
        case [run, at_ms, number] if run in runs and at_ms.isdecimal() and number.isdecimal():
            return int(number) if int(at_ms) >= oldest_ms else 0
        case _:
            return 0
