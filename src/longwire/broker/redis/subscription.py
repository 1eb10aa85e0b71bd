"""Delivers one subscribed room to this node: each entry once, in order, without gaps.

Notifications contain the new entries. They may be lost, so their offsets are compared with what was
delivered, and missing entries are read from the log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from longwire.broker.base import Receiver
from longwire.broker.redis.log.entry import Notification
from longwire.errors import BrokerUnavailable
from longwire.log.publication import History, Publication
from longwire.types import Position

logger = logging.getLogger("longwire.broker")

RETRY_DELAY = 0.25
"""Seconds before a log that could not be read is read again."""
MAX_BUFFERED = 1_000
"""Notifications buffered while the log is read; if there are more, the log is read again."""

# An epoch and an offset, and the future of a caller that waits until they are delivered.
_Waiter = tuple[str, int, asyncio.Future[None]]


@dataclass(eq=False, repr=False, slots=True)
class RoomSubscription:
    """One subscribed room of this node.

    Args:
        name: the room.
        receiver: receives the entries.
        hold: marks the room as used, creates it if it does not exist, and returns its end.
        read: reads its log since a position.
        max_buffered: see `MAX_BUFFERED`.

    Attributes:
        epoch: the epoch of the log that is delivered; empty until `start` is done.
        received: the last delivered offset.
        starting: the task that subscribers wait for, until it is done.
        held_ms: when `hold` was last called.
    """

    name: str
    _receiver: Receiver
    _hold: Callable[[str], Awaitable[Position]]
    _read: Callable[[str, Position], Awaitable[History]]
    max_buffered: int = MAX_BUFFERED
    epoch: str = ""
    received: int = 0
    held_ms: int = 0
    starting: asyncio.Task[None] | None = None
    _buffered: list[Notification] = field(default_factory=list[Notification])
    _missed: bool = False
    _catching_up: asyncio.Task[None] | None = None
    _waiting: list[_Waiter] = field(default_factory=list[_Waiter])

    async def start(self) -> None:
        """Deliver what follows the end of the log. Notifications must be subscribed to already.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        position = await self._hold(self.name)
        self.epoch, self.received = position.epoch, position.offset
        self._process_buffered()

    def close(self) -> None:
        """Stop delivering."""
        if self._catching_up is not None:
            self._catching_up.cancel()
        for _, _, reached in self._waiting:
            if not reached.done():
                reached.set_result(None)

    def receive(self, notification: Notification) -> None:
        """Deliver the entries of a notification; if entries before it are missing, read the log."""
        if not self.epoch or self._catching_up is not None:
            self._buffer(notification)
        elif (
            notification.epoch != self.epoch
            or notification.publications[0].first > self.received + 1
        ):
            self._buffer(notification)
            self.catch_up()
        else:
            self._deliver(notification.publications)

    def catch_up(self) -> None:
        """Read the log, in case notifications were lost. May be called at any time."""
        if self._catching_up is not None:
            self._missed = True
        elif self.epoch:
            loop = asyncio.get_running_loop()
            self._catching_up = loop.create_task(self._catch_up_until_done())

    async def until_caught_up(self) -> None:
        """Wait until what `catch_up` found has been delivered."""
        while self._catching_up is not None:
            await asyncio.wait([self._catching_up])

    def wait_until(self, position: Position) -> asyncio.Future[None] | None:
        """Return a future that is done when `position` is delivered; None if it is already."""
        if position.epoch == self.epoch and position.offset <= self.received:
            return None
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((position.epoch, position.offset, future))
        return future

    def _buffer(self, notification: Notification) -> None:
        if len(self._buffered) >= self.max_buffered:
            self._buffered.clear()
            self._missed = True
        self._buffered.append(notification)

    def _process_buffered(self) -> None:
        buffered, self._buffered = self._buffered, []
        for notification in buffered:
            self.receive(notification)

    async def _catch_up_until_done(self) -> None:
        try:
            self._missed = True
            while self._missed:
                self._missed = False
                await self._catch_up()
        finally:
            self._catching_up = None
        self._process_buffered()

    async def _catch_up(self) -> None:
        try:
            position = await self._hold(self.name)
            if position.epoch != self.epoch:
                self._reset(position)
            end = position.offset
            while self.received < end:
                history = await self._read(self.name, Position(self.epoch, self.received))
                if history.position.epoch != self.epoch:
                    self._missed = True
                    return
                end = history.position.offset
                self._deliver_history(history)
        except BrokerUnavailable as error:
            logger.info("%s", error)
            await asyncio.sleep(RETRY_DELAY)
            self._missed = True

    def _reset(self, position: Position) -> None:
        logger.warning("room %r has a new log", self.name, extra={"room": self.name})
        self.epoch, self.received = position.epoch, position.offset
        self._receiver.receive_reset(self.name, position)
        self._resolve_waiting()

    def _deliver_history(self, history: History) -> None:
        """Deliver a slice. If retention has dropped entries before it, skip to the newest entry.

        That leaves a gap, by which the receiver notices that entries are missing.
        """
        if history.recovered or self.received == 0:
            self._deliver(history.publications)
        else:
            self.received = history.position.offset - 1

    def _deliver(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            if publication.last <= self.received:
                continue
            self.received = publication.last
            try:
                self._receiver.receive_publication(self.name, publication)
            except Exception:
                logger.exception("a receiver raised", extra={"room": self.name})
        if self._waiting:
            self._resolve_waiting()

    def _resolve_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for epoch, offset, reached in waiting:
            if epoch == self.epoch and offset > self.received:
                self._waiting.append((epoch, offset, reached))
            elif not reached.done():
                reached.set_result(None)
