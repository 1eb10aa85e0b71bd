"""Events as an async iterator."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.handlers.subscriptions import Subscription

T = TypeVar("T")


class Bell:
    """Wakes those who wait for events. It outlives no stream, and holds none alive."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait for a ring."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def ring(self) -> None:
        """Wake all of them; who finds nothing waits again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class EventStream(Generic[T]):
    """An async iterator over events; it hears them from its creation on.

    Several tasks may share one: each event goes to one of them.

    It ends when it is closed or the client disconnects. It raises the client's error when the
    client gives up, and the server's refusal of its room. Close it with `aclose()` or `async with`;
    one that is forgotten closes itself.
    """

    __slots__ = ("__weakref__", "_bell", "_error", "_is_closed", "_leave", "_loop", "_subscription")

    def __init__(self, subscription: Subscription, bell: Bell, leave: Callable[[], None]) -> None:
        self._subscription = subscription
        self._bell = bell
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._error: Exception | None = None

    @property
    def room(self) -> str | None:
        """The only room that it hears; None for all."""
        return self._subscription.room

    def __aiter__(self) -> EventStream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._subscription.pending:
            if self._error is not None:
                raise self._error
            if self._is_closed:
                raise StopAsyncIteration
            await self._bell.wait()
        return self._take()

    def take_waiting(self, limit: int) -> list[T]:
        """Take what waits already, up to `limit` events, without waiting for more."""
        taken: list[T] = []
        while self._subscription.pending and len(taken) < limit:
            taken.append(self._take())
        return taken

    async def aclose(self) -> None:
        """Stop hearing; what waits is dropped."""
        self.end(None)
        self._subscription.close()

    def end(self, error: Exception | None) -> None:
        """Let the iteration end after what waits, with `error` if there is one."""
        if self._is_closed:
            return
        self._is_closed = True
        self._error = error
        self._subscription.stop()
        self._leave()
        self._bell.ring()

    async def __aenter__(self) -> EventStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _take(self) -> T:
        arguments: tuple[Any, ...] = self._subscription.take()
        return cast("T", arguments[0] if len(arguments) == 1 else arguments)

    def __del__(self) -> None:
        if not self._is_closed:
            # The collector may run in any thread, and after the loop.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_abandon, self._subscription, self._leave)


def _abandon(subscription: Subscription, leave: Callable[[], None]) -> None:
    subscription.close()
    leave()
