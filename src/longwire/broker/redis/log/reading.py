"""Reads a room's log out of Redis, page by page, as a `RoomLog` would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from longwire.broker.redis.log.entry import parse_member
from longwire.broker.redis.log.script import READ
from longwire.log import History, Publication
from longwire.log.conflation import joined
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.broker.redis.connection.address import Command, Reply
    from longwire.broker.redis.log.room_scripts import RoomScripts

MAX_EPOCH_LENGTH = 64
MAX_OFFSET = 1 << 53
"""Beyond these a position is none of ours, and Redis is not bothered with it: its scripts count
in doubles."""
LOOSE_ENTRIES = 256
"""Entries of a page beside those that a slice may have: adjacent text takes many to a frame."""
PAGE_BYTES = 512 * 1024
CAREFUL_READS = 3
"""Tries to read a log in pages while it is folded or trimmed under our hands; then it is read in
one page, however large."""
EVERYTHING = 1 << 40


class Page(msgspec.Struct, frozen=True):
    """Some entries of a log, and what it was like when they were read.

    Attributes:
        folds: counts when entries were replaced by others.
        more: whether there are entries after these.
    """

    epoch: str
    end: int
    trimmed: int
    folds: int
    recovered: bool
    more: bool
    members: list[bytes]

    def continues(self, before: Page) -> bool:
        """Whether entries of `before` and these are what one page would have held."""
        return (self.epoch, self.trimmed, self.folds) == (
            before.epoch,
            before.trimmed,
            before.folds,
        )


class LogReader:
    """Reads logs.

    Args:
        ask: runs a command in Redis.
        scripts: makes the commands.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[bytes], Command]], Awaitable[Reply]],
        scripts: RoomScripts,
    ) -> None:
        self._ask = ask
        self._scripts = scripts

    async def position(self, room: str) -> Position | None:
        """The log's end; None if there is no room."""
        page = await self.page(room, None, None, 0, 0)
        return None if page is None else Position(page.epoch, page.end)

    async def read(
        self,
        room: str,
        since: Position | None,
        limit: int,
        max_bytes: int,
        with_text: bool = True,
    ) -> History | None:
        """A slice of the log, conflated; None if there is no room; see `Broker.read`.

        Raises:
            BrokerUnavailable: it cannot be read.
        """
        for _ in range(CAREFUL_READS):
            count, size = limit + LOOSE_ENTRIES, max(max_bytes, PAGE_BYTES)
            first = page = await self.page(room, since, None, count, size, with_text)
            if first is None:
                return None
            members: list[bytes] = []
            while page is not None and page.continues(first):
                members += page.members
                history = slice_of(page, first, since, members, limit, max_bytes)
                if history is not None:
                    return history
                count *= 2
                after = _offset(members[-1])
                page = await self.page(room, None, after, count, size, with_text)
        page = await self.page(room, since, None, EVERYTHING, EVERYTHING, with_text)
        if page is None:
            return None
        return slice_of(page, page, since, page.members, limit, max_bytes)

    async def page(
        self,
        room: str,
        since: Position | None,
        after: int | None,
        count: int,
        size: int,
        with_text: bool = True,
    ) -> Page | None:
        """Entries from `since` on, or those after an offset; None if there is no room."""
        resumes = (
            since is not None
            and 0 <= since.offset < MAX_OFFSET
            and len(since.epoch) <= MAX_EPOCH_LENGTH
            and since.epoch.isascii()
        )
        arguments = (
            int(with_text),
            since.epoch if resumes and since else "",
            since.offset if resumes and since else "",
            "" if after is None else after,
            count,
            size,
        )
        reply = await self._ask(self._scripts.command(READ, room, arguments))
        if reply is None:
            return None
        epoch, end, trimmed, folds, recovered, more, members = reply
        return Page(epoch.decode(), end, trimmed, folds, bool(recovered), bool(more), members)


def slice_of(
    page: Page,
    first: Page,
    since: Position | None,
    members: list[bytes],
    limit: int,
    max_bytes: int,
) -> History | None:
    """The slice that those entries make; None if it takes more of them.

    Args:
        page: the last page read.
        first: the first one, which was read since the position.
        since: the position.
        members: of all pages.
        limit: publications in the slice.
        max_bytes: bytes in the slice.
    """
    after = since.offset if first.recovered and since is not None else 0
    frames: list[Publication] = []
    size = 0
    position = Position(page.epoch, page.end)
    for frame in joined(map(parse_member, members), after):
        full = len(frames) >= limit or size >= max_bytes
        if full and frames and frames[-1].last >= page.trimmed:
            return History(position, first.recovered, tuple(frames), complete=False)
        frames.append(frame)
        size += len(frame.data)
    if page.more:
        return None
    return History(position, first.recovered, tuple(frames), complete=True)


def _offset(member: bytes) -> int:
    return int(member[: member.index(b" ")])
