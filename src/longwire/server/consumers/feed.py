"""Lists the rooms that were written, for all consumers of a node."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.broker.base import LISTED_AHEAD
from longwire.errors import BrokerUnavailable
from longwire.schema import Contract

logger = logging.getLogger("longwire.consumers")

POLL: Final = 0.1
"""Seconds between two looks at the list of written rooms, which cost one command to Redis."""
READ_AGAIN: Final = 1.0
"""Seconds until a log that could not be reached is tried again."""
SETTLING: Final = (0.5, LISTED_AHEAD + 0.5)
"""Seconds after which a listed room is read again: its log may grow after it was listed. Nearly
always that is a matter of microseconds; the first time covers a busy machine."""


class Settled(msgspec.Struct, frozen=True):
    """A mark up to which the written rooms are known for good.

    Attributes:
        mark: the mark.
        count: no entry in a room that was written up to the mark appears after this call.
        at: when that call was made, in loop time.
    """

    mark: str
    count: int
    at: float


Listener = Callable[[Iterable[str], int], None]


class Feed:
    """Tells consumers which rooms may have unread entries.

    Rooms that match no pattern of the contract, such as those of the servers, are left out.

    Args:
        broker: stores the logs.
        contract: has the patterns of the rooms.
        listener: called with rooms, and with the number of the call.

    Attributes:
        count: the calls of the listener so far.
        settled: the newest mark that has settled; None before the first one.
    """

    def __init__(self, broker: Broker, contract: Contract, listener: Listener) -> None:
        self._broker = broker
        self._contract = contract
        self._listener = listener
        self._tasks = BackgroundTasks()
        # For each time of SETTLING, the rooms and when they are due, the next one first.
        self._settling: list[OrderedDict[str, float]] = []
        self._mark = ""
        self.count = 0
        self.settled: Settled | None = None
        self._settles: tuple[str, float] = ("", 0.0)

    async def start(self) -> None:
        """Begin with rooms that are written from now on.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        self._settling = [OrderedDict() for _ in SETTLING]
        self.settled = None
        self._mark = (await self._broker.written_since("")).mark
        self._settles = (self._mark, asyncio.get_running_loop().time() + SETTLING[-1])
        self._tasks.start(self._follow())

    async def close(self) -> None:
        """Stop."""
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def written_since(self, mark: str) -> list[str]:
        """Return the rooms of clients that were written since a mark.

        They are passed to the listener after each time of `SETTLING`.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        rooms = self._select((await self._broker.written_since(mark)).rooms)
        self._settle(rooms)
        return rooms

    def _select(self, rooms: Iterable[str]) -> list[str]:
        return [room for room in rooms if self._contract.match_room(room) is not None]

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL)
            try:
                written = await self._broker.written_since(self._mark)
            except BrokerUnavailable as error:
                logger.info("%s", error)
                await asyncio.sleep(READ_AGAIN)
                continue
            rooms = self._select(written.rooms)
            now = loop.time()
            due = self._due(now)
            self._settle(rooms)
            if rooms or due:
                self.count += 1
                self._listener([*rooms, *due], self.count)
            self._mark = written.mark
            mark, settled_at = self._settles
            if now >= settled_at:
                self.settled = Settled(mark, self.count, now)
                self._settles = (self._mark, loop.time() + SETTLING[-1])

    def _settle(self, rooms: Iterable[str]) -> None:
        now = asyncio.get_running_loop().time()
        for delay, settling in zip(SETTLING, self._settling, strict=True):
            for room in rooms:
                settling[room] = now + delay
                settling.move_to_end(room)

    def _due(self, now: float) -> list[str]:
        due: list[str] = []
        for settling in self._settling:
            while settling and next(iter(settling.values())) <= now:
                due.append(settling.popitem(last=False)[0])
        return due
