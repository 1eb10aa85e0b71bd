"""A connection to Redis that reconnects by itself."""

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from longwire.broker.redis.connection.address import (
    Address,
    Command,
    ReadyConnection,
    Reply,
    read_reply,
    send_commands,
)
from longwire.errors import BrokerUnavailable

logger = logging.getLogger("longwire.broker")

FIRST_DELAY = 0.05
MAX_DELAY = 1.0
"""Seconds between attempts to connect: doubled after each attempt up to `MAX_DELAY`, and randomized
so that the nodes do not reconnect to a restarted Redis at the same moment."""
CHECK_INTERVAL = 0.5
MAX_SILENCE = 5.0
"""Seconds without a reply before a PING is sent; after twice that the connection is dropped."""


class ConnectionOwner(Protocol):
    """Callbacks of the object that owns a connection. They run on the event loop, briefly."""

    def connection_opened(self, ready: ReadyConnection) -> None:
        """Handle that the connection is open, for the first time or again."""
        ...

    def commands_to_send(self) -> Sequence[Command]:
        """Return the commands to send now. Called once for any number of calls of `wake`."""
        ...

    def receive_reply(self, reply: Reply) -> None:
        """Receive the next reply; an error reply is a `ResponseError`."""
        ...

    def connection_lost(self) -> None:
        """Handle that the replies still outstanding will not arrive."""
        ...

    def send_ping(self) -> None:
        """Send a command that Redis replies to."""
        ...

    def check_deadlines(self) -> None:
        """Called every `CHECK_INTERVAL` seconds, whether or not the connection is open."""
        ...


class ReconnectingConnection:
    """Keeps one connection open, sends its owner's commands and passes on the replies."""

    def __init__(self, address: Address, owner: ConnectionOwner) -> None:
        self._address = address
        self._owner = owner
        self._wake = asyncio.Event()
        self._last_reply = 0.0
        self._is_open = False
        self._tasks: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, as far as this process knows."""
        return self._is_open

    async def start(self) -> None:
        """Connect, and reconnect from now on.

        Raises:
            BrokerUnavailable: the first attempt failed.
        """
        ready = await self._address.open()
        loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()  # the broker may have run in another event loop before
        self._tasks = [loop.create_task(self._run(ready)), loop.create_task(self._check())]

    async def close(self) -> None:
        """Close the connection. Does nothing if it is not open."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self) -> None:
        """Close the connection if it is open, and reconnect."""
        for task in self._serving:
            task.cancel()

    def wake(self) -> None:
        """Request a call of `commands_to_send` within this iteration of the event loop."""
        self._wake.set()

    async def _run(self, ready: ReadyConnection) -> None:
        while True:
            await self._serve(ready)
            ready = await self._reopen()

    async def _serve(self, ready: ReadyConnection) -> None:
        """Read and write until the connection is lost."""
        connection = ready.connection
        loop = asyncio.get_running_loop()
        self._last_reply = loop.time()
        self._is_open = True
        self._owner.connection_opened(ready)
        self._wake.set()
        self._serving = [
            loop.create_task(self._read(connection)),
            loop.create_task(self._write(connection)),
        ]
        try:
            await asyncio.wait(self._serving, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_open = False
            self.drop()
            outcomes = await asyncio.gather(*self._serving, return_exceptions=True)
            await connection.disconnect(nowait=True)
            self._owner.connection_lost()
        self._log(outcomes)

    def _log(self, outcomes: Iterable[BaseException | None]) -> None:
        for error in outcomes:
            if isinstance(error, RedisError | OSError):
                logger.warning("lost the connection to Redis at %s: %s", self._address.shown, error)
            elif isinstance(error, Exception):
                logger.error("dropped a connection to Redis after an error", exc_info=error)

    async def _reopen(self) -> ReadyConnection:
        delay = FIRST_DELAY
        while True:
            await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - not a secret
            delay = min(delay * 2, MAX_DELAY)
            try:
                ready = await self._address.open()
            except BrokerUnavailable as error:
                logger.info("%s", error)
                continue
            logger.warning("reconnected to Redis at %s", self._address.shown)
            return ready

    async def _read(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            reply = await read_reply(connection)
            self._last_reply = loop.time()
            self._owner.receive_reply(reply)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            commands = self._owner.commands_to_send()
            if commands:
                await send_commands(connection, commands)

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            self._owner.check_deadlines()
            if not self._is_open:
                continue
            silence = loop.time() - self._last_reply
            if silence > 2 * MAX_SILENCE:
                self.drop()
            elif silence > MAX_SILENCE:
                self._owner.send_ping()
