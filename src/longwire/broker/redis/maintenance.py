"""What has to be looked after: rooms in use, rooms out of use, bells that never rang."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from longwire.background import BackgroundTasks
from longwire.broker.redis.log.script import FORGET, HOLD, STALE
from longwire.broker.sweeper import Sweeper
from longwire.errors import BrokerUnavailable
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

    from longwire.broker.redis.connection.address import Command, Reply
    from longwire.broker.redis.log.room_scripts import RoomScripts
    from longwire.broker.redis.subscription import Feed

logger = logging.getLogger("longwire.broker")

AUDIT_INTERVAL = 5.0
"""Seconds between two looks for rooms that were written although no bell rang here. Redis cuts
the connections that it loses bells of, so there is little to find."""
MAX_STALE = 1_000
"""Rooms forgotten in one go."""


class Upkeep:
    """Keeps what the index of rooms and the rooms' ages say true.

    Args:
        ask: runs a command in Redis.
        scripts: makes the commands.
        index: the keys of the index: rooms by their last write, and by their last use.
        runs: the key that `begin.lua` keeps.
        feeds: the subscribed rooms of this node.
        now_ms: the clock.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[bytes], Command]], Awaitable[Reply]],
        scripts: RoomScripts,
        index: tuple[str, str],
        runs: str,
        feeds: Mapping[str, Feed],
        now_ms: Callable[[], int],
    ) -> None:
        self._ask = ask
        self._scripts = scripts
        self._index = index
        self._runs = runs
        self._feeds = feeds
        self._now_ms = now_ms
        self._sweeper = Sweeper(self.sweep)
        self._auditor = Sweeper(self._audit, AUDIT_INTERVAL)
        self._tasks = BackgroundTasks()
        self._birth: bytes | None = b""
        # The last write that the audit before the last one saw. Two, since a room is in the index
        # a moment before its log grows.
        self._audited = [0, 0]
        self._received: dict[str, int] = {}

    def start(self) -> None:
        """Begin to look after things."""
        self._sweeper.start()
        self._auditor.start()

    async def close(self) -> None:
        """Leave things as they are."""
        self._sweeper.stop()
        self._auditor.stop()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def hold(self, room: str) -> Position:
        """Note that a room is in use, bring it into being if need be, and answer its end.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        now_ms = self._now_ms()
        (epoch, end), _ = await asyncio.gather(
            self._ask(self._scripts.command(HOLD, room)),
            self._ask(lambda _: (b"ZADD", self._index[1], "XX", now_ms, room)),
        )
        feed = self._feeds.get(room)
        if feed is not None:
            feed.held_ms = now_ms
        return Position(epoch.decode(), end)

    async def rooms(self, prefix: str) -> list[str]:
        """The written rooms whose names begin with `prefix`, last written first."""
        names: list[bytes] = await self._ask(lambda _: (b"ZREVRANGE", self._index[0], 0, -1))
        return [room for room in map(bytes.decode, names) if room.startswith(prefix)]

    def sweep(self) -> asyncio.Task[None]:
        """Keep the subscribed rooms, forget those that nobody has used for too long."""
        return self._tasks.start(self._try(self._sweep()))

    async def _sweep(self) -> None:
        now_ms = self._now_ms()
        due_ms = now_ms - self._scripts.max_age_ms // 4
        held = [feed.name for feed in self._feeds.values() if feed.held_ms < due_ms]
        await asyncio.gather(*map(self.hold, held))
        stale_ms = now_ms - self._scripts.max_age_ms
        while names := await self._stale(stale_ms):
            forget = (self._scripts.command(FORGET, name, (stale_ms,)) for name in names)
            await asyncio.gather(*map(self._ask, forget))

    async def _stale(self, stale_ms: int) -> list[str]:
        names: list[bytes] = await self._ask(
            lambda _: (b"EVALSHA", STALE.sha, 2, *self._index, stale_ms, MAX_STALE)
        )
        return [name.decode() for name in names]

    def _audit(self) -> None:
        self._tasks.start(self._try(self._look_for_missed_bells()))

    async def _look_for_missed_bells(self) -> None:
        birth: bytes | None = await self._ask(lambda _: (b"HGET", self._runs, "birth"))
        if birth != self._birth:
            self._birth = birth
            self._audited = [await self._newest_write()] * 2
            missed = list(self._feeds)
        else:
            since, seen = self._audited
            written = await self._written_since(since)
            missed = [name.decode() for name in written[::2]]
            self._audited = [seen, int(written[-1]) if written else seen]
            missed = self._unheard(missed)
        for room in missed:
            feed = self._feeds.get(room)
            if feed is not None:
                feed.catch_up()

    def _unheard(self, written: Iterable[str]) -> list[str]:
        """Those of the written rooms that have delivered nothing since the last look.

        Of the others a bell was heard, and the next one will show a hole, if there is one.
        """
        before = self._received
        feeds = [feed for room in written if (feed := self._feeds.get(room)) is not None]
        self._received = {feed.name: feed.received for feed in feeds}
        return [feed.name for feed in feeds if before.get(feed.name) == feed.received]

    async def _newest_write(self) -> int:
        newest: list[bytes] = await self._ask(
            lambda _: (b"ZREVRANGE", self._index[0], 0, 0, "WITHSCORES")
        )
        return int(newest[1]) if newest else 0

    async def _written_since(self, write: int) -> list[bytes]:
        """Names and writes by turns."""
        command = (b"ZRANGEBYSCORE", self._index[0], f"({write}", "+inf", "WITHSCORES")
        written: list[bytes] = await self._ask(lambda _: command)
        return written

    async def _try(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except BrokerUnavailable as error:
            logger.info("%s", error)
