"""Compacts logs in Redis: joins streamed text, so that 100,000 pieces become a few entries."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from longwire.background import BackgroundTasks
from longwire.broker.redis.connection.address import Command, Reply
from longwire.broker.redis.log.entry import joined_member, parse_member
from longwire.broker.redis.log.reading import EVERYTHING, LogReader
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.scripts import COMPACT
from longwire.errors import BrokerUnavailable
from longwire.log.joined_text import JoinedText, join_text
from longwire.log.publication import Publication

logger = logging.getLogger("longwire.broker")


class Compactor:
    """Compacts the logs of rooms when `append.lua` requests it.

    A node reads the entries, joins them and writes them back. Two nodes may do this at once, or a
    node may stop halfway: joined text has the same meaning as its pieces, and `compact.lua` only
    replaces entries that have not changed in the meantime.
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

    def start(self, room: str, start: int) -> None:
        """Compact the log from offset `start` on, in the background."""
        self._tasks.start(self._try(room, start))

    async def close(self) -> None:
        """Wait for the compactions in progress."""
        await self._tasks.wait()

    async def compact(self, room: str, start: int) -> None:
        """Compact the log from offset `start` on.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        page = await self._reader.page(room, None, max(0, start - 1), EVERYTHING, EVERYTHING)
        if page is None or not page.members:
            return
        entries = [parse_member(member) for member in page.members]
        arguments: list[bytes | str | int] = [page.epoch, entries[-1].last, int(start == 0)]
        for text, first, count in newly_joined(entries):
            size, member = joined_member(text)
            arguments += (first, text.last, count, size, member)
        await self._ask(self._scripts.command(COMPACT, room, arguments))

    async def _try(self, room: str, start: int) -> None:
        try:
            await self.compact(room, start)
        except BrokerUnavailable as error:
            logger.info("compaction of a log failed: %s", error, extra={"room": room})


def newly_joined(entries: Sequence[Publication]) -> list[tuple[JoinedText, int, int]]:
    """Join the entries; return each new one, the first offset it replaces, and how many entries."""
    known = set(map(id, entries))
    found: list[tuple[JoinedText, int, int]] = []
    index = 0
    for item in join_text(entries):
        begin = index
        while entries[index].last < item.last:
            index += 1
        index += 1
        if isinstance(item, JoinedText) and id(item) not in known:
            found.append((item, entries[begin].last, index - begin))
    return found
