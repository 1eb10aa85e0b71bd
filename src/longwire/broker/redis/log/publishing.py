"""Appends entries: the publishes of one event loop iteration share one script call per room."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec import UNSET

from longwire.broker.idempotency import MAX_IDS, WINDOW_MS, fingerprint
from longwire.broker.redis.connection.address import Command, Reply
from longwire.broker.redis.connection.commands import Commands
from longwire.broker.redis.log.entry import draft_fields, encode_condition, parse_refusal
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.scripts import APPEND, TOUCH
from longwire.errors import BrokerUnavailable, Conflict, IdempotencyConflict, InvalidEvent
from longwire.log.condition import Condition
from longwire.log.publication import Draft, Publication
from longwire.log.room_log import COMPACT_AFTER
from longwire.types import Position

MAX_DRAFTS = 250
MAX_BYTES = 512 * 1024
"""Drafts, and bytes of drafts, in one script call, which blocks Redis for about 2 ms."""

NOWHERE = Position("none", 0)
"""A position that no entry has: offsets start at 1, and epochs have 16 digits."""


class _PendingPublish:
    """A publish that waits for its position."""

    __slots__ = ("arguments", "id", "newest", "position", "room", "size")

    def __init__(
        self,
        room: str,
        draft: Draft,
        id: str | None,
        condition: Condition | None,
        body_digest: bytes,
    ) -> None:
        kind, slot, size, body = draft_fields(draft)
        self.room = room
        self.id = id
        self.size = len(body)
        fields = b"" if condition is None else encode_condition(condition, draft)
        self.arguments = (kind, slot, size, (id or "").encode(), body_digest, fields, body)
        self.position: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self.newest: Publication | None = None  # the entry in conflict, after a `Conflict`

    def fail(self, error: Exception) -> None:
        if not self.position.done():
            self.position.set_exception(error)
            self.position.exception()  # no "never retrieved" warning if the publisher has gone


_Pending = dict[str, deque[_PendingPublish]]


@dataclass(eq=False, repr=False, slots=True)
class _Turn:
    """The order of publishes to a room while patches are merged: each waits for those before it.

    Attributes:
        lock: held while a publish is queued, and until a patch is merged; the queue is fair.
        users: how many publishes hold it or wait for it.
        known: slot, position and data of the value that was merged last. Another process may have
            replaced it, which the next compare-and-set finds out.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    known: tuple[str | None, Position, bytes] | None = None


@dataclass(eq=False, repr=False)
class LogWriter:
    """Appends drafts to the logs of rooms.

    Args:
        scripts: builds the commands.
        channel: returns the pub/sub channel of a room.
        compact: called with a room and the offset from which to compact its log.
        index: the keys of `touch.lua`.
        now_ms: returns the time.
    """

    _scripts: RoomScripts
    _channel: Callable[[str], bytes]
    _compact: Callable[[str, int], None]
    _index: tuple[str, str]
    _now_ms: Callable[[], int]
    _commands: Commands = field(init=False)
    _pending: _Pending = field(default_factory=_Pending)
    _turns: dict[str, _Turn] = field(default_factory=dict[str, "_Turn"])

    def connect(self, commands: Commands) -> None:
        """Use `commands`, which call `gather` before they send."""
        self._commands = commands

    async def publish(
        self, room: str, draft: Draft, id: str | None, condition: Condition | None
    ) -> Position:
        """Append a draft and notify the subscribed nodes; see `Broker.publish`."""
        digest = b"" if id is None else fingerprint(draft)
        turn = self._turns.get(room)
        if draft.merge is None and turn is None:
            return await self._enqueue(room, draft, id, condition, digest).position
        if turn is None:
            turn = self._turns[room] = _Turn()
        turn.users += 1
        try:
            async with turn.lock:
                if draft.merge is not None:
                    condition = condition or Condition()
                    return await self._merge(turn, room, draft, id, condition, digest)
                publish = self._enqueue(room, draft, id, condition, digest)
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[room]
        return await publish.position

    async def _merge(
        self,
        turn: _Turn,
        room: str,
        draft: Draft,
        id: str | None,
        condition: Condition,
        digest: bytes,
    ) -> Position:
        """Apply a patch by compare-and-set, repeated until no other append comes in between.

        The scripts cannot merge: Lua reads large numbers as doubles, and empty arrays as objects.
        Unless the value is known, the first append names a position that does not exist, so Redis
        refuses it, unless the id is known, and returns the newest entry.
        """
        attempted, expected = _first_attempt(turn, draft, condition)
        while True:
            where = Condition(condition.fence, expected)
            publish = self._enqueue(room, attempted, id, where, digest)
            try:
                position = await publish.position
                if expected is None or position.offset > expected.offset:  # not a repetition
                    turn.known = (draft.slot, position, attempted.data)
                return position
            except Conflict as conflict:
                if condition.expect is not UNSET and conflict.position != condition.expect:
                    raise
                expected, newest = conflict.position, publish.newest
            attempted = draft.merged(None if newest is None else newest.data)

    def _enqueue(
        self,
        room: str,
        draft: Draft,
        id: str | None,
        condition: Condition | None,
        digest: bytes,
    ) -> _PendingPublish:
        room.encode()  # raise here for an invalid key; later it would fail the whole batch
        publish = _PendingPublish(room, draft, id, condition, digest)
        publishes = self._pending.pop(room, None) or deque()
        publishes.append(publish)
        self._pending[room] = publishes  # last, since the index orders rooms by their last write
        self._commands.wake()
        return publish

    def gather(self) -> None:
        """Queue the script calls for all pending publishes."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        # The index first: a room in the index without a log is harmless, the reverse is not.
        self._commands.call(self._touch(list(pending)), may_repeat=True)
        for room, publishes in pending.items():
            while publishes:
                self._append(room, _take_batch(publishes))

    def _append(self, room: str, batch: list[_PendingPublish]) -> None:
        arguments: list[bytes | str | int] = [
            *(self._channel(room), MAX_IDS, WINDOW_MS, COMPACT_AFTER),
            *(argument for publish in batch for argument in publish.arguments),
        ]
        command = self._scripts.command(APPEND, room, arguments)
        call = self._commands.call(command, may_repeat=batch[0].id is not None)
        call.reply.add_done_callback(lambda reply: self._resolve(room, batch, reply))

    def _resolve(
        self, room: str, batch: list[_PendingPublish], reply: asyncio.Future[Reply]
    ) -> None:
        error = reply.exception()
        if error is not None:
            for publish in batch:
                publish.fail(BrokerUnavailable(str(error)))
            return
        epoch, compact_from, offsets = reply.result()
        for publish, offset in zip(batch, offsets, strict=True):
            if not isinstance(offset, int):
                refusal, publish.newest = parse_refusal(epoch, offset)
                publish.fail(refusal)
            elif offset < 0:
                publish.fail(IdempotencyConflict(room, publish.id or ""))
            elif not publish.position.done():
                publish.position.set_result(Position(epoch.decode(), offset))
        if compact_from >= 0:
            self._compact(room, compact_from)

    def _touch(self, rooms: Sequence[str]) -> Callable[[bytes], Command]:
        touch: list[bytes | str | int] = [b"EVALSHA", TOUCH.sha, len(self._index), *self._index]
        touch += (self._now_ms(), self._scripts.ttl_ms, *rooms)
        return lambda _: touch


def _first_attempt(
    turn: _Turn, draft: Draft, condition: Condition
) -> tuple[Draft, Position | None]:
    """Return the draft with which a merge begins, and the position that it expects."""
    if turn.known is not None and turn.known[0] == draft.slot:
        _, position, data = turn.known
        if condition.expect is UNSET or condition.expect == position:
            with suppress(InvalidEvent):  # Redis decides first whether the id was used before
                return draft.merged(data), position
    return draft, NOWHERE


def _take_batch(publishes: deque[_PendingPublish]) -> list[_PendingPublish]:
    """Remove and return the publishes for the next script call.

    Either all of them have an id or none has: only calls with ids are repeated after a reconnect.
    """
    batch = [publishes.popleft()]
    size = batch[0].size
    while (
        publishes
        and len(batch) < MAX_DRAFTS
        and size + publishes[0].size <= MAX_BYTES
        and (publishes[0].id is None) is (batch[0].id is None)
    ):
        size += publishes[0].size
        batch.append(publishes.popleft())
    return batch
