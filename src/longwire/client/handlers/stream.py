"""Events as an async iterator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from longwire.client.handlers.subscription import Subscription

T = TypeVar("T")


class Wakeup:
    """Wakes the tasks that wait for a stream's events.

    It is separate from the stream, so that a subscription does not keep a forgotten stream alive.
    """

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait for the next `notify`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def notify(self) -> None:
        """Wake all waiting tasks; those that find no event wait again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class EventStream(Generic[T]):
    """An async iterator over events; it receives them from its creation on.

    Several tasks may iterate over one stream: each event goes to one of them.

    The iteration ends when the stream is closed or the client disconnects. It raises the client's
    error when the client gives up, and the server's error when the stream's room is denied. Close
    a stream with `aclose()` or `async with`; one that is garbage-collected closes itself.
    """

    def __init__(
        self, subscription: Subscription, wakeup: Wakeup, leave: Callable[[], None]
    ) -> None:
        self._subscription = subscription
        self._wakeup = wakeup
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._error: Exception | None = None

    @property
    def room(self) -> str | None:
        """The only room that the stream receives events from; None for all rooms."""
        return self._subscription.room

    def __aiter__(self) -> EventStream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._subscription.pending:
            if self._error is not None:
                raise self._error
            if self._is_closed:
                raise StopAsyncIteration
            await self._wakeup.wait()
        return self._take()

    def take_waiting(self, limit: int) -> list[T]:
        """Return events that have arrived already, at most `limit`, without waiting."""
        taken: list[T] = []
        while self._subscription.pending and len(taken) < limit:
            taken.append(self._take())
        return taken

    async def aclose(self) -> None:
        """Stop receiving, and drop the events that wait."""
        self.end(None)
        self._subscription.close()

    def end(self, error: Exception | None) -> None:
        """End the iteration after the events that wait, with `error` if there is one."""
        if self._is_closed:
            return
        self._is_closed = True
        self._error = error
        self._subscription.stop()
        self._leave()
        self._wakeup.notify()

    async def __aenter__(self) -> EventStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _take(self) -> T:
        arguments: tuple[Any, ...] = self._subscription.take()
        return cast("T", arguments[0] if len(arguments) == 1 else arguments)

    def __del__(self) -> None:
        if not self._is_closed:
            # The garbage collector may run in any thread, and after the loop was closed.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_abandon, self._subscription, self._leave)


def _abandon(subscription: Subscription, leave: Callable[[], None]) -> None:
    subscription.close()
    leave()
