"""What a subscribed room delivers to this node: each entry once, in order, without a hole.

Bells bring the entries as they are appended. Offsets show what a bell did not bring, and that is
read from the log.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from longwire.errors import BrokerUnavailable
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from longwire.broker.base import Receiver
    from longwire.broker.redis.log.entry import Bell
    from longwire.log import History, Publication

logger = logging.getLogger("longwire.broker")

READ_AGAIN = 0.25
"""Seconds until a log that could not be read is tried again."""
MAX_EARLY = 1_000
"""Bells kept while the log is read; when there are more, it is read once more instead."""


class Feed:
    """One subscribed room of this node.

    Args:
        hold: brings the room into being, if need be, and answers its position.
        read: reads its log.

    Attributes:
        epoch: of the log that is being delivered; "" until the feed has begun.
        received: the last offset that was delivered.
        beginning: what those wait for who subscribed, until it is done.
        held_ms: when Redis was told last that the room is in use.
    """

    __slots__ = (
        "_catching_up",
        "_early",
        "_hold",
        "_missed",
        "_read",
        "_receiver",
        "_waiting",
        "beginning",
        "epoch",
        "held_ms",
        "name",
        "received",
    )

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        hold: Callable[[str], Awaitable[Position]],
        read: Callable[[str, Position], Awaitable[History]],
    ) -> None:
        self.name = name
        self.epoch = ""
        self.received = 0
        self.held_ms = 0
        self.beginning: asyncio.Task[None] | None = None
        self._receiver = receiver
        self._hold = hold
        self._read = read
        self._early: list[Bell] = []
        self._missed = False
        self._catching_up: asyncio.Task[None] | None = None
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []

    async def begin(self) -> None:
        """Deliver from the log's end on; the bell is listened to already.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        position = await self._hold(self.name)
        self.epoch, self.received = position.epoch, position.offset
        self._take_early()

    def close(self) -> None:
        """Deliver no more."""
        if self._catching_up is not None:
            self._catching_up.cancel()
        for _, _, reached in self._waiting:
            if not reached.done():
                reached.set_result(None)

    def ring(self, bell: Bell) -> None:
        """Deliver what a bell brought, or read the log if something is missing before it."""
        if not self.epoch or self._catching_up is not None:
            self._keep_early(bell)
        elif bell.epoch != self.epoch or bell.publications[0].first > self.received + 1:
            self._keep_early(bell)
            self.catch_up()
        else:
            self._deliver(bell.publications)

    def catch_up(self) -> None:
        """Read what may have been missed; harmless if nothing was, or if it is being done."""
        if self._catching_up is not None:
            self._missed = True
        elif self.epoch:
            loop = asyncio.get_running_loop()
            self._catching_up = loop.create_task(self._catch_up_until_done())

    def reached(self, position: Position) -> asyncio.Future[None] | None:
        """None if that was delivered, or else what waits until it is."""
        if position.epoch == self.epoch and position.offset <= self.received:
            return None
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((position.epoch, position.offset, future))
        return future

    def _keep_early(self, bell: Bell) -> None:
        if len(self._early) >= MAX_EARLY:
            self._early.clear()
            self._missed = True
        self._early.append(bell)

    def _take_early(self) -> None:
        early, self._early = self._early, []
        for bell in early:
            self.ring(bell)

    async def _catch_up_until_done(self) -> None:
        try:
            self._missed = True
            while self._missed:
                self._missed = False
                await self._catch_up()
        finally:
            self._catching_up = None
        self._take_early()

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
            await asyncio.sleep(READ_AGAIN)
            self._missed = True

    def _reset(self, position: Position) -> None:
        logger.warning("the log of room %r began anew", self.name, extra={"room": self.name})
        self.epoch, self.received = position.epoch, position.offset
        self._receiver.receive_reset(self.name, position)
        self._tell_who_waits()

    def _deliver_history(self, history: History) -> None:
        """Deliver what was read; if retention was faster, go on at the end and leave the hole."""
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
                logger.exception("a receiver failed", extra={"room": self.name})
        if self._waiting:
            self._tell_who_waits()

    def _tell_who_waits(self) -> None:
        waiting, self._waiting = self._waiting, []
        for epoch, offset, reached in waiting:
            if epoch == self.epoch and offset > self.received:
                self._waiting.append((epoch, offset, reached))
            elif not reached.done():
                reached.set_result(None)
