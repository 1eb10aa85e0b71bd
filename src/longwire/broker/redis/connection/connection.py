"""A connection to Redis that comes back by itself."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Protocol, cast

from redis.exceptions import RedisError, ResponseError

from longwire.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis.asyncio.connection import AbstractConnection

    from longwire.broker.redis.connection.address import Address, Command, Opened, Reply

logger = logging.getLogger("longwire.broker")

FIRST_DELAY = 0.05
MAX_DELAY = 1.0
"""Seconds between two tries to connect: doubled each time, up to what a Redis that has been
restarted is kept waiting, and spread so that not all nodes come at once."""
CHECK_INTERVAL = 0.5
SILENCE = 5.0
"""Seconds of silence after which Redis is asked whether it is there; twice that, and the
connection counts as lost."""


class LineUser(Protocol):
    """Who speaks through a line. Called on the event loop; the methods return soon."""

    def line_opened(self, opened: Opened) -> None:
        """Learn that the line is there, for the first time or again."""
        ...

    def line_ready(self) -> Sequence[Command]:
        """Give what is to be sent now; called once for any number of `Line.wake()`."""
        ...

    def line_received(self, reply: Reply) -> None:
        """Take the next reply in; an error reply is a `ResponseError`."""
        ...

    def line_lost(self) -> None:
        """Learn that what was not answered will not be."""
        ...

    def line_silent(self) -> None:
        """Ask something that Redis answers."""
        ...

    def line_checked(self) -> None:
        """Learn that `CHECK_INTERVAL` has passed, line or no line."""
        ...


class Line:
    """Keeps one connection, tells its user what comes, and sends what the user gives."""

    def __init__(self, address: Address, user: LineUser) -> None:
        self._address = address
        self._user = user
        self._wake = asyncio.Event()
        self._heard = 0.0
        self._is_open = False
        self._tasks: list[asyncio.Task[None]] = []
        self._using: list[asyncio.Task[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as anybody knows."""
        return self._is_open

    async def start(self) -> None:
        """Connect, and keep connected from now on.

        Raises:
            BrokerUnavailable: the first try failed.
        """
        opened = await self._address.open()
        loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()  # of this loop, if it was started in another one before
        self._tasks = [loop.create_task(self._keep(opened)), loop.create_task(self._check())]

    async def close(self) -> None:
        """Let go of the connection. Harmless if there is none."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self) -> None:
        """Give the connection up, if there is one; it is made anew."""
        for task in self._using:
            task.cancel()

    def wake(self) -> None:
        """Ask the user for what is to be sent, within this tick of the loop."""
        self._wake.set()

    async def _keep(self, opened: Opened) -> None:
        while True:
            await self._serve(opened)
            opened = await self._open_again()

    async def _serve(self, opened: Opened) -> None:
        """Use a connection until it is lost."""
        connection = opened.connection
        self._heard = asyncio.get_running_loop().time()
        self._is_open = True
        self._user.line_opened(opened)
        self._wake.set()
        loop = asyncio.get_running_loop()
        self._using = [
            loop.create_task(self._read(connection)),
            loop.create_task(self._write(connection)),
        ]
        try:
            await asyncio.wait(self._using, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_open = False
            self.drop()
            outcomes = await asyncio.gather(*self._using, return_exceptions=True)
            await connection.disconnect(nowait=True)
            self._user.line_lost()
        self._report(outcomes)

    def _report(self, outcomes: Iterable[BaseException | None]) -> None:
        for error in outcomes:
            if isinstance(error, RedisError | OSError):
                logger.warning("lost Redis at %s: %s", self._address.shown, error)
            elif isinstance(error, Exception):
                logger.error("gave up a connection to Redis", exc_info=error)

    async def _open_again(self) -> Opened:
        delay = FIRST_DELAY
        while True:
            await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - spread, no secret
            delay = min(delay * 2, MAX_DELAY)
            try:
                opened = await self._address.open()
            except BrokerUnavailable as error:
                logger.info("%s", error)
                continue
            logger.warning("Redis at %s is back", self._address.shown)
            return opened

    async def _read(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            reply = await _next_reply(connection)
            self._heard = loop.time()
            self._user.line_received(reply)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            commands = self._user.line_ready()
            if not commands:
                continue
            packed = connection.pack_commands(commands)
            await connection.send_packed_command(packed, check_health=False)

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            self._user.line_checked()
            if not self._is_open:
                continue
            silence = loop.time() - self._heard
            if silence > 2 * SILENCE:
                self.drop()
            elif silence > SILENCE:
                self._user.line_silent()


async def _next_reply(connection: AbstractConnection) -> Reply:
    """The next reply, for however long it takes; an error reply is a value."""
    try:
        return cast("Reply", await connection.read_response(disconnect_on_error=True))
    except ResponseError as error:
        return error
