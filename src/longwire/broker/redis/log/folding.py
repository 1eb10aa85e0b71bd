"""Folds streamed text in Redis, so that a log of 100,000 pieces is a few entries."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from longwire.background import BackgroundTasks
from longwire.broker.redis.log.entry import parse_member, run_member
from longwire.broker.redis.log.reading import EVERYTHING
from longwire.broker.redis.log.script import FOLD
from longwire.errors import BrokerUnavailable
from longwire.log.joined_text import Run, fold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from longwire.broker.redis.connection.address import Command, Reply
    from longwire.broker.redis.log.reading import LogReader
    from longwire.broker.redis.log.room_scripts import RoomScripts
    from longwire.log import Publication

logger = logging.getLogger("longwire.broker")


class Folder:
    """Folds rooms that a script said it is time for.

    It does no harm if it is done twice, by two nodes, or not at all: pieces mean the same as the
    run that they fold into, and Redis replaces only what still stands as it was read.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[bytes], Command]], Awaitable[Reply]],
        reader: LogReader,
        scripts: RoomScripts,
    ) -> None:
        self._ask = ask
        self._reader = reader
        self._scripts = scripts
        self._tasks = BackgroundTasks()

    def begin(self, room: str, start: int) -> None:
        """Fold what stands at `start` or after it, in the background."""
        self._tasks.start(self._try(room, start))

    async def close(self) -> None:
        """Finish what was begun."""
        await self._tasks.wait()

    async def fold(self, room: str, start: int) -> None:
        """Fold what stands at `start` or after it.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        page = await self._reader.page(room, None, max(0, start - 1), EVERYTHING, EVERYTHING)
        if page is None or not page.members:
            return
        entries = [parse_member(member) for member in page.members]
        arguments: list[bytes | str | int] = [page.epoch, entries[-1].last, int(start == 0)]
        for run, first, count in new_runs(entries):
            size, member = run_member(run)
            arguments += (first, run.last, count, size, member)
        await self._ask(self._scripts.command(FOLD, room, arguments))

    async def _try(self, room: str, start: int) -> None:
        try:
            await self.fold(room, start)
        except BrokerUnavailable as error:
            logger.info("%s", error)


def new_runs(entries: Sequence[Publication]) -> list[tuple[Run, int, int]]:
    """The runs that entries fold into: each with the first offset it replaces, and how many."""
    known = set(map(id, entries))
    found: list[tuple[Run, int, int]] = []
    index = 0
    for item in fold(entries):
        begin = index
        while entries[index].last < item.last:
            index += 1
        index += 1
        if isinstance(item, Run) and id(item) not in known:
            found.append((item, entries[begin].last, index - begin))
    return found
