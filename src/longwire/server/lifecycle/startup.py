"""Starts a server whose broker may not be reachable yet."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from longwire.errors import BrokerUnavailable, LongwireError

logger = logging.getLogger("longwire.server")

# Seconds between two attempts: doubled after each up to the second value, and randomized.
FIRST_DELAY: Final = 0.1
MAX_DELAY: Final = 5.0

# Seconds after which the log repeats that the server still waits.
REPEAT_AFTER: Final = 30.0


class Startup:
    """Repeats the start of a server until its broker can be reached.

    A rolling deploy or a reboot may start a server before Redis. A server that exits then needs a
    supervisor, which waits longer with each exit; a server that waits serves as soon as it can.

    Args:
        start: makes one attempt.

    Attributes:
        error: why the server is not started; None once it is.
    """

    def __init__(self, start: Callable[[], Awaitable[None]]) -> None:
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self.error: LongwireError | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether attempts continue in the background."""
        return self._task is not None and not self._task.done()

    async def begin(self) -> None:
        """Start the server, or continue to try in the background.

        Raises:
            LongwireError: the first attempt failed for a reason that does not pass, such as a
                rejected password.
        """
        if self.is_waiting:
            return
        self.error = None
        try:
            await self._start()
        except BrokerUnavailable as error:
            if error.is_permanent:
                raise
            self._report(error)
            self._task = asyncio.create_task(self._repeat(), name="longwire startup")

    async def wait(self, timeout: float | None) -> None:
        """Return once the server is started, if attempts to start it continue.

        Raises:
            BrokerUnavailable: the broker could not be reached within `timeout` seconds.
            LongwireError: the server cannot start, for a reason that does not pass.
        """
        if self._task is None:
            return
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._task)
        except TimeoutError:
            raise BrokerUnavailable(f"{self.error}; gave up after {timeout:g} s") from None

    async def cancel(self) -> None:
        """Stop trying."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # marks it as retrieved; it was logged

    async def _repeat(self) -> None:
        loop = asyncio.get_running_loop()
        delay, reported_at = FIRST_DELAY, loop.time()
        while True:
            await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - not a secret
            delay = min(delay * 2, MAX_DELAY)
            try:
                await self._start()
            except BrokerUnavailable as error:
                if error.is_permanent:
                    self._fail(error)
                    raise
                if str(error) != str(self.error) or loop.time() - reported_at >= REPEAT_AFTER:
                    self._report(error)
                    reported_at = loop.time()
            except LongwireError as error:
                self._fail(error)
                raise
            else:
                self.error = None
                logger.warning("the broker answers: the server is ready")
                return

    def _report(self, error: BrokerUnavailable) -> None:
        self.error = error
        logger.warning("waiting for the broker before serving clients: %s", error)

    def _fail(self, error: LongwireError) -> None:
        self.error = error
        logger.error("the server cannot start: %s", error)
