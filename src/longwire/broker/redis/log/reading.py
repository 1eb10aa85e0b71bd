"""Reads a room's log from Redis, page by page, with the same result as `RoomLog.read`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from longwire.broker.redis.connection.address import Command, Reply
from longwire.broker.redis.log.entry import parse_member
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.scripts import NEWEST, READ
from longwire.log.conflation import join_and_cover
from longwire.log.publication import History, Publication
from longwire.types import Position

MAX_EPOCH_LENGTH = 64
MAX_OFFSET = 1 << 53
"""A position beyond these is invalid and is not sent to Redis, whose scripts count in doubles."""
EXTRA_ENTRIES = 256
"""Entries of a page beyond the limit of the slice, since many text pieces join into one frame."""
PAGE_BYTES = 512 * 1024
MAX_PAGED_READS = 3
"""Attempts to read a log in pages if it is compacted or trimmed in between; after that it is read
in a single page of any size."""
EVERYTHING = 1 << 40


class Page(msgspec.Struct, frozen=True):
    """Some entries of a log, and the state of the log when they were read.

    Attributes:
        compactions: how often entries have been replaced by joined ones.
        more: whether there are entries after these.
    """

    epoch: str
    end: int
    trimmed: int
    compactions: int
    recovered: bool
    more: bool
    members: list[bytes]

    def continues(self, before: Page) -> bool:
        """Whether the log was neither replaced, trimmed nor compacted since `before` was read."""
        state = (self.epoch, self.trimmed, self.compactions)
        return state == (before.epoch, before.trimmed, before.compactions)


class LogReader:
    """Reads the logs of rooms.

    Args:
        ask: sends a command and returns the reply.
        scripts: builds the commands.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[bytes], Command]], Awaitable[Reply]],
        scripts: RoomScripts,
    ) -> None:
        self._ask = ask
        self._scripts = scripts

    async def position(self, room: str) -> Position | None:
        """Return the end of the log; None if the room does not exist."""
        page = await self.page(room, None, None, 0, 0)
        return None if page is None else Position(page.epoch, page.end)

    async def newest(self, room: str, slot: str) -> tuple[Position, bytes] | None:
        """Return position and data of the newest entry of a slot; see `Broker.newest`."""
        reply = await self._ask(self._scripts.command(NEWEST, room, (slot,)))
        if reply is None or len(reply) < 2:
            return None
        epoch, member = reply
        entry = parse_member(member)
        return Position(epoch.decode(), entry.last), entry.data

    async def read(
        self,
        room: str,
        since: Position | None,
        limit: int,
        max_bytes: int,
        with_text: bool = True,
    ) -> History | None:
        """Return a conflated slice; None if the room does not exist; see `Broker.read`.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        for _ in range(MAX_PAGED_READS):
            count, size = limit + EXTRA_ENTRIES, max(max_bytes, PAGE_BYTES)
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
        """Read entries since a position, or after an offset; None if the room does not exist."""
        is_valid = (
            since is not None
            and 0 <= since.offset < MAX_OFFSET
            and len(since.epoch) <= MAX_EPOCH_LENGTH
            and since.epoch.isascii()
        )
        arguments = (
            int(with_text),
            since.epoch if is_valid and since else "",
            since.offset if is_valid and since else "",
            "" if after is None else after,
            count,
            size,
        )
        reply = await self._ask(self._scripts.command(READ, room, arguments))
        if reply is None:
            return None
        epoch, end, trimmed, compactions, recovered, more, members = reply
        return Page(epoch.decode(), end, trimmed, compactions, bool(recovered), bool(more), members)


def slice_of(
    page: Page,
    first: Page,
    since: Position | None,
    members: list[bytes],
    limit: int,
    max_bytes: int,
) -> History | None:
    """Build the slice from the entries read so far; None if more entries are needed.

    Args:
        page: the last page.
        first: the first page, which was read since the position.
        since: the position.
        members: the entries of all pages.
        limit: maximum publications in the slice.
        max_bytes: maximum bytes in the slice.
    """
    after = since.offset if first.recovered and since is not None else 0
    frames: list[Publication] = []
    size = 0
    position = Position(page.epoch, page.end)
    for frame in join_and_cover(map(parse_member, members), after):
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
