"""One share of the rooms of a consumer: reads them in order and calls the handler."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from longwire.background import is_cancelled
from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.clock import clock
from longwire.errors import BrokerUnavailable, InvalidEvent, StaleAttempt
from longwire.log.publication import History, Publication
from longwire.server.consumers.delivery import Delivery, ParkedEvent, id_of
from longwire.server.consumers.feed import READ_AGAIN, SETTLING, Feed, Settled
from longwire.server.consumers.parked import ParkedEvents
from longwire.server.consumers.positions import Handled, Positions
from longwire.server.consumers.registration import MAX_BACKOFF, Registration
from longwire.server.control.table import TableFull
from longwire.types import Position

logger = logging.getLogger("longwire.consumers")

MAX_CURSORS: Final = 4096
"""Rooms without unread events whose cursors stay in memory, at some 500 bytes each. Other rooms are
read again from their last handled event."""
MAX_ERROR: Final = 1000
"""Characters of an exception that a parked event keeps."""
SWEPT_ROOMS: Final = 256
"""Rooms that a sweep looks at: enough for a room in each quarter of a second."""


@dataclass(slots=True)
class Counts:
    """The counts of a consumer on this node; see `ConsumerStatus`."""

    handled: int = 0
    failed: int = 0
    overtaken: int = 0
    restarted: int = 0


@dataclass(slots=True)
class _Cursor:
    """How far a room was read.

    Attributes:
        handled: the last handled event.
        position: the entry up to which the room was read, at or beyond `handled`; None to read it
            from its beginning.
        is_saved: whether `handled` is stored.
    """

    handled: Handled
    position: Position | None
    is_saved: bool = True


def shard_of(room: str, count: int) -> int:
    """Return the number of the shard that a room belongs to."""
    return zlib.crc32(room.encode()) % count


@dataclass(eq=False, repr=False)
class Shard:
    """Works on one share of the rooms while this node holds it.

    An event is handled when the handler has returned and its position is stored. The next event of
    the room is not read before that.

    Args:
        registration: the consumer.
        broker: stores the logs of the rooms.
        positions: the positions of this shard, which this node has claimed.
        feed: lists the rooms that were written.
        parked: the parked events.
        counts: the counts of the consumer.
        started_ms: events from before this time are not delivered.
        may_work: returns whether this node may still call the handler.
    """

    registration: Registration
    broker: Broker
    positions: Positions
    feed: Feed
    parked: ParkedEvents
    counts: Counts
    started_ms: int
    may_work: Callable[[], bool]
    is_stopped: bool = False
    pending: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    _cursors: OrderedDict[str, _Cursor] = field(default_factory=OrderedDict[str, _Cursor])
    _running: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: Settled | None = None
    _opened_at: float = 0.0
    _saved: int = -1
    _swept: list[str] = field(default_factory=list[str])

    def notify(self, room: str, count: int) -> None:
        """Record that a room may have unread entries, with the number of the feed's call."""
        first, _ = self.pending.get(room, (count, count))
        self.pending[room] = (first, count)

    async def find_unread(self, mark: str, number: int, count: int) -> list[str]:
        """Return the rooms of this shard that were written since it was last worked on.

        Args:
            mark: where to begin if the shard has not been worked on.
            number: the number of the shard.
            count: the number of all shards.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        since = mark if self.positions.mark is None else self.positions.mark
        rooms = await self.feed.written_since(since)
        self._opened_at = asyncio.get_running_loop().time()
        return [room for room in rooms if shard_of(room, count) == number]

    def stop(self) -> None:
        """Call the handler with nothing more."""
        self.is_stopped = True

    async def until_idle(self) -> None:
        """Wait until the handlers that are running have ended, and their positions are stored."""
        while self._running:
            self._idle.clear()
            await self._idle.wait()

    async def read_room(self, room: str) -> float | None:
        """Handle some unread events of a room.

        Returns:
            The seconds after which to call this again; None if there is nothing more to do.
        """
        return await self._while_claimed(self._read_room(room))

    async def retry_parked(self, id: str) -> float | None:
        """Call the handler again with a parked event; see `read_room`."""
        return await self._while_claimed(self._retry_parked(id))

    async def save_mark(self) -> None:
        """Store the newest mark up to which every room was handled; raises like `Positions.save`.

        A restart then reads only the rooms that were written since.
        """
        settled = self._settled or self.feed.settled
        if settled is None or settled.count == self._saved:
            return
        if settled.at < self._opened_at + SETTLING[-1]:
            return  # rooms that were listed when this shard was opened may still grow
        self._settled = settled
        if all(first > settled.count for first, _ in self.pending.values()):
            await self.positions.save_mark(settled.mark)
            self._settled, self._saved = None, settled.count

    async def sweep(self) -> None:
        """Drop the positions of some rooms that are gone; raises like `Positions.save`."""
        self._swept = self._swept or self.positions.rooms
        rooms, self._swept = self._swept[:SWEPT_ROOMS], self._swept[SWEPT_ROOMS:]
        for room in rooms:
            if room not in self.pending and not (await self.broker.position(room)).epoch:
                self._cursors.pop(room, None)
                await self.positions.forget(room)

    async def _while_claimed(self, work: Any) -> float | None:
        self._running += 1
        try:
            delay: float | None = await work
        except StaleAttempt:
            self.stop()
            return None
        except BrokerUnavailable as error:
            logger.info("%s", error)
            return READ_AGAIN
        else:
            return None if self.is_stopped else delay
        finally:
            self._running -= 1
            self._idle.set()

    # Reading

    async def _read_room(self, room: str) -> float | None:
        count = self.feed.count
        cursor = self._cursor(room)
        if not cursor.is_saved:
            await self._save(cursor, cursor.handled)
        history, after = await self._read(room, cursor)
        for entry in history.publications:
            if entry.last <= after:
                continue
            delay = await self._consume(room, cursor, history.position.epoch, entry)
            if delay is not None:
                return delay
        if not history.complete:
            return 0.0
        cursor.position = history.position if history.position.epoch else None
        self._complete(room, count)
        return None

    def _cursor(self, room: str) -> _Cursor:
        cursor = self._cursors.get(room)
        if cursor is None:
            handled = self.positions.get(room) or Handled(room)
            position = Position(handled.epoch, handled.offset) if handled.offset else None
            cursor = self._cursors[room] = _Cursor(handled, position)
        self._cursors.move_to_end(room)
        return cursor

    def _complete(self, room: str, count: int) -> None:
        first, last = self.pending.get(room, (count, count))
        if last > count:  # it was written while it was read
            self.pending[room] = (max(first, count + 1), last)
            return
        self.pending.pop(room, None)
        while len(self._cursors) > MAX_CURSORS:
            oldest = next(iter(self._cursors))
            if oldest in self.pending:
                self._cursors.move_to_end(oldest)
                return
            del self._cursors[oldest]

    async def _read(self, room: str, cursor: _Cursor) -> tuple[History, int]:
        """Read a slice; return it, and the offset up to which its entries are known."""
        history = await self._slice(room, cursor)
        position = cursor.position
        if position is None or history.recovered:
            return history, 0
        if history.position.epoch == position.epoch:
            self.counts.overtaken += 1
            logger.warning(
                "consumer %r: the log of room %r dropped entries after offset %d before they were "
                "read; among them may be events that it never receives",
                *(self.registration.name, room, position.offset),
            )
            return history, position.offset
        cursor.position = await self._find_handled(room, cursor.handled)
        if cursor.position is None and cursor.handled.offset:
            self.counts.restarted += 1
            logger.warning(
                "consumer %r: the log of room %r was replaced; it is read from its beginning",
                *(self.registration.name, room),
            )
        return await self._slice(room, cursor), 0

    async def _slice(self, room: str, cursor: _Cursor) -> History:
        wants_text = self.registration.wants_text
        return await self.broker.read(room, cursor.position, with_text=wants_text)

    async def _find_handled(self, room: str, handled: Handled) -> Position | None:
        """Return where the last handled event is in a log of another epoch; None if it is not.

        A log that lost its tail is the same up to there: if it has this event, it has everything
        before it, and nothing after it was handled.
        """
        wants_text = self.registration.wants_text
        async with aclosing(read_slices(self.broker, room, with_text=wants_text)) as slices:
            async for history in slices:
                for entry in history.publications:
                    if entry.last >= handled.offset:
                        is_same = id_of(room, entry) == handled.id
                        return Position(history.position.epoch, entry.last) if is_same else None
        return None

    # Handling

    async def _consume(
        self, room: str, cursor: _Cursor, epoch: str, entry: Publication
    ) -> float | None:
        """Handle an entry if it is an event of this consumer; return the delay of a retry."""
        is_wanted = entry.event in self.registration.decoders
        if is_wanted and entry.timestamp_ms >= self.started_ms:
            if self.is_stopped or not self.may_work():
                return READ_AGAIN
            delay = await self._handle(room, cursor, epoch, entry)
            if delay is not None:
                return delay
        cursor.position = Position(epoch, entry.last)
        return None

    async def _handle(
        self, room: str, cursor: _Cursor, epoch: str, entry: Publication
    ) -> float | None:
        delivery = Delivery(
            room=room,
            position=Position(epoch, entry.last),
            id=id_of(room, entry),
            attempt=cursor.handled.failures + 1,
        )
        error = await self._call(entry.event, entry.data, delivery)
        if error is not None:
            failures = delivery.attempt
            is_final = isinstance(error, InvalidEvent) or failures >= self.registration.attempts
            if not is_final or not await self._park(entry, delivery, error):
                await self._save(cursor, replace(cursor.handled, failures=failures))
                return MAX_BACKOFF if is_final else self.registration.delay(failures)
        cursor.position = delivery.position
        await self._save(cursor, Handled(room, epoch, entry.last, delivery.id))
        return None

    async def _call(self, event: str, data: bytes, delivery: Delivery) -> Exception | None:
        """Call the handler; return why it failed."""
        registration = self.registration
        try:
            payload = registration.decoders[event](data)
            async with asyncio.timeout(registration.timeout):
                await registration.handler(payload, delivery)
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            failure: Exception = RuntimeError(f"the handler was cancelled: {error!r}")
        except Exception as error:
            failure = error
        else:
            self.counts.handled += 1
            return None
        self.counts.failed += 1
        logger.warning(
            "consumer %r failed on %s in room %r, attempt %d of %d",
            *(registration.name, event, delivery.room, delivery.attempt, registration.attempts),
            exc_info=failure,
        )
        return failure

    async def _save(self, cursor: _Cursor, handled: Handled) -> None:
        cursor.handled = handled
        cursor.is_saved = False
        await self.positions.save(handled)
        cursor.is_saved = True

    # Parking

    async def _park(self, entry: Publication, delivery: Delivery, error: Exception) -> bool:
        """Park an event; return False if there are too many, so that its room has to wait."""
        event = ParkedEvent(
            consumer=self.registration.name,
            id=delivery.id,
            room=delivery.room,
            position=delivery.position,
            event=entry.event,
            data=msgspec.json.decode(entry.data),
            error=_describe(error),
            attempts=delivery.attempt,
            parked_at=int(clock.time() * 1000),
        )
        try:
            await self.parked.put(event)
        except TableFull:
            logger.error(
                "consumer %r cannot park an event, so room %r waits: retry or discard parked "
                "events, or raise Limits.parked_events",
                *(self.registration.name, delivery.room),
            )
            return False
        logger.error(
            "consumer %r parked %s in room %r after %d attempts: %s",
            *(self.registration.name, event.event, event.room, event.attempts, event.error),
        )
        return True

    async def _retry_parked(self, id: str) -> float | None:
        event = self.parked.get(self.registration.name, id)
        if event is None or not event.is_retrying:
            return None
        if self.is_stopped or not self.may_work():
            return READ_AGAIN
        attempt = event.attempts + 1
        delivery = Delivery(room=event.room, position=event.position, id=id, attempt=attempt)
        error = await self._call(event.event, msgspec.json.encode(event.data), delivery)
        if error is None:
            await self.parked.remove(event.consumer, id)
        else:
            failed = replace(event, attempts=attempt, error=_describe(error), is_retrying=False)
            await self.parked.amend(failed)
        return None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]
