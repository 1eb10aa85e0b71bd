"""Publishes gather for one loop tick, and go to Redis as one script call a room."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from longwire.broker.idempotency import MAX_IDS, WINDOW_MS, fingerprint
from longwire.broker.redis.log.entry import draft_fields
from longwire.broker.redis.log.script import APPEND, TOUCH
from longwire.errors import BrokerUnavailable, IdempotencyConflict
from longwire.log.room_log import SETTLE_AFTER
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.broker.redis.connection.address import Command, Reply
    from longwire.broker.redis.connection.commands import Commands
    from longwire.broker.redis.log.room_scripts import RoomScripts
    from longwire.log import Draft

MAX_DRAFTS = 250
MAX_BYTES = 512 * 1024
"""Drafts, and bytes of them, in one script call: Redis does nothing else for about 2 ms."""


class _Write:
    """A publish that waits for its offset."""

    __slots__ = ("arguments", "id", "position", "room", "size")

    def __init__(self, room: str, draft: Draft, id: str | None) -> None:
        kind, slot, size, body = draft_fields(draft)
        repeats = b"" if id is None else fingerprint(draft)
        self.room = room
        self.id = id
        self.size = len(body)
        self.arguments = (kind, slot, size, (id or "").encode(), repeats, body)
        self.position: asyncio.Future[Position] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        if not self.position.done():
            self.position.set_exception(error)
            self.position.exception()  # who published may have gone


class Publisher:
    """Appends drafts to rooms.

    Args:
        scripts: makes the commands.
        channel: names a room's bell.
        fold: told where a room is to be folded from.
        index: the names of the keys that `touch.lua` takes.
        now_ms: the clock.
    """

    def __init__(
        self,
        scripts: RoomScripts,
        channel: Callable[[str], bytes],
        fold: Callable[[str, int], None],
        index: tuple[str, str],
        now_ms: Callable[[], int],
    ) -> None:
        self._scripts = scripts
        self._channel = channel
        self._fold = fold
        self._index = index
        self._now_ms = now_ms
        self._commands: Commands
        self._gathered: dict[str, deque[_Write]] = {}

    def connect(self, commands: Commands) -> None:
        """Send through `commands`, which call `gather`."""
        self._commands = commands

    async def publish(self, room: str, draft: Draft, id: str | None) -> Position:
        """Append a draft and ring the room's bell; see `Broker.publish`."""
        room.encode()  # what cannot be a key must not take the others of its tick along
        write = _Write(room, draft, id)
        writes = self._gathered.pop(room, None) or deque()
        writes.append(write)
        self._gathered[room] = writes  # the room that was written last comes last
        self._commands.wake()
        return await write.position

    def gather(self) -> None:
        """Make the calls of what was published since the last time."""
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, {}
        # First the index: a room that stands there and has no log does no harm.
        self._commands.call(self._touch(list(gathered)), may_repeat=True)
        for room, writes in gathered.items():
            while writes:
                self._append(room, _lot(writes))

    def _append(self, room: str, lot: list[_Write]) -> None:
        arguments: list[bytes | str | int] = [
            *(self._channel(room), MAX_IDS, WINDOW_MS, SETTLE_AFTER),
            *(argument for write in lot for argument in write.arguments),
        ]
        command = self._scripts.command(APPEND, room, arguments)
        call = self._commands.call(command, may_repeat=lot[0].id is not None)
        call.reply.add_done_callback(lambda reply: self._answer(room, lot, reply))

    def _answer(self, room: str, lot: list[_Write], reply: asyncio.Future[Reply]) -> None:
        error = reply.exception()
        if error is not None:
            for write in lot:
                write.fail(BrokerUnavailable(str(error)))
            return
        name, fold_from, offsets = reply.result()
        epoch = name.decode()
        for write, offset in zip(lot, offsets, strict=True):
            if offset < 0:
                write.fail(IdempotencyConflict(room, write.id or ""))
            elif not write.position.done():
                write.position.set_result(Position(epoch, offset))
        if fold_from >= 0:
            self._fold(room, fold_from)

    def _touch(self, rooms: Sequence[str]) -> Callable[[bytes], Command]:
        touch: list[bytes | str | int] = [b"EVALSHA", TOUCH.sha, len(self._index), *self._index]
        touch += (self._now_ms(), self._scripts.ttl_ms, *rooms)
        return lambda _: touch


def _lot(writes: deque[_Write]) -> list[_Write]:
    """Take the next of them that go together: all with an id, or all without, since only the
    former may be sent to Redis a second time."""
    lot = [writes.popleft()]
    size = lot[0].size
    while (
        writes
        and len(lot) < MAX_DRAFTS
        and size + writes[0].size <= MAX_BYTES
        and (writes[0].id is None) is (lot[0].id is None)
    ):
        size += writes[0].size
        lot.append(writes.popleft())
    return lot
