"""Who hears which event, and the bounded queues between the read loop and handlers.

A subscription is a queue. The read loop appends and returns; a handler runs later, in order, and
a slow one fills its own queue only.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

logger = logging.getLogger("longwire.client")

ANY = "*"
"""The name under which every event is heard."""

# How long handlers that do not await may hold the loop before others get a turn.
SLICE = 0.005

Arguments = tuple[Any, ...]


class Subscription:
    """A bounded queue of events for one consumer.

    Attributes:
        names: the events that it hears.
        room: the only room that it hears, None for all.
        pending: what waits, oldest first.
        is_over: whether the queue filled up and is not half empty again.
    """

    __slots__ = (
        "_capacity",
        "_subscriptions",
        "_wake",
        "is_over",
        "names",
        "pending",
        "room",
    )

    def __init__(
        self,
        subscriptions: Subscriptions,
        names: Iterable[str],
        room: str | None,
        wake: Callable[[], None],
    ) -> None:
        self._subscriptions = subscriptions
        self._capacity = subscriptions.capacity
        self._wake = wake
        self.names = tuple(names)
        self.room = room
        self.pending: deque[Arguments] = deque()
        self.is_over = False

    def push(self, arguments: Arguments) -> None:
        """Take one event and wake the consumer."""
        self.pending.append(arguments)
        if len(self.pending) >= self._capacity:
            self.is_over = True
        self._wake()

    def take(self) -> Arguments:
        """Give the oldest event; the queue is not empty."""
        arguments = self.pending.popleft()
        if self.is_over and len(self.pending) <= self._capacity // 2:
            self.is_over = False
            self._subscriptions.relieve()
        return arguments

    def stop(self) -> None:
        """Hear nothing more; what waits may still be taken."""
        self._subscriptions.remove(self)

    def close(self) -> None:
        """Hear nothing more; what waits is dropped."""
        self._subscriptions.remove(self)
        self.pending.clear()
        if self.is_over:
            self.is_over = False
            self._subscriptions.relieve()


class Handler:
    """Calls a function with every event: one after the other, an awaitable result to its end.

    Attributes:
        subscription: where its events wait.
    """

    __slots__ = ("_function", "_is_running", "_loop", "_subscriptions", "subscription")

    def __init__(
        self,
        subscriptions: Subscriptions,
        names: Iterable[str],
        room: str | None,
        function: Callable[..., object],
    ) -> None:
        self._subscriptions = subscriptions
        self._function = function
        self._is_running = False
        self._loop: asyncio.AbstractEventLoop
        self.subscription = Subscription(subscriptions, names, room, self._wake)

    def _wake(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        """Call the function until the queue is empty, it awaits, or its slice of time is over."""
        subscription, now = self.subscription, self._loop.time
        deadline = now() + SLICE
        while subscription.pending:
            awaitable = self._call(subscription.take())
            if awaitable is not None:
                self._subscriptions.spawn(self._drain_awaiting(awaitable))
                return
            if now() >= deadline:
                self._loop.call_soon(self._drain)
                return
        self._is_running = False

    async def _drain_awaiting(self, awaitable: Awaitable[object] | None) -> None:
        subscription = self.subscription
        try:
            while True:
                if awaitable is not None:
                    await self._finish(awaitable)
                if not subscription.pending:
                    break
                awaitable = self._call(subscription.take())
        finally:
            self._is_running = False

    def _call(self, arguments: Arguments) -> Awaitable[object] | None:
        try:
            result = self._function(*arguments)
        except Exception as error:
            self._subscriptions.report(self.subscription.names, error)
            return None
        return result if result is not None and inspect.isawaitable(result) else None

    async def _finish(self, awaitable: Awaitable[object]) -> None:
        try:
            await awaitable
        except Exception as error:
            self._subscriptions.report(self.subscription.names, error)


class Subscriptions:
    """All subscriptions of one client, found by event name and room.

    Args:
        capacity: events that may wait for one consumer.
        relieve: called when a full queue is half empty again.

    Attributes:
        failures: exceptions of handlers, counted.
    """

    __slots__ = (
        "_by_name",
        "_roomed",
        "_subscriptions",
        "_tasks",
        "capacity",
        "failures",
        "relieve",
    )

    def __init__(self, capacity: int, relieve: Callable[[], None]) -> None:
        self._by_name: dict[tuple[str, str | None], tuple[Subscription, ...]] = {}
        self._roomed: Counter[str] = Counter()
        self._subscriptions: set[Subscription] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.capacity = capacity
        self.relieve = relieve
        self.failures = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    def add(self, subscription: Subscription) -> None:
        """Let it hear its events from now on."""
        self._subscriptions.add(subscription)
        for name in subscription.names:
            key = (name, subscription.room)
            self._by_name[key] = (*self._by_name.get(key, ()), subscription)
            self._roomed[name] += subscription.room is not None

    def remove(self, subscription: Subscription) -> None:
        """Let it hear nothing more; unknown ones are ignored."""
        if subscription not in self._subscriptions:
            return
        self._subscriptions.discard(subscription)
        for name in subscription.names:
            self._roomed[name] -= subscription.room is not None
            if not self._roomed[name]:
                del self._roomed[name]
            key = (name, subscription.room)
            kept = tuple(s for s in self._by_name.get(key, ()) if s is not subscription)
            if kept:
                self._by_name[key] = kept
            else:
                self._by_name.pop(key, None)

    def find(self, name: str, room: str | None) -> tuple[Subscription, ...]:
        """Return who hears this event in this room, by its name."""
        everywhere = self._by_name.get((name, None), ())
        if room is None:
            return everywhere
        here = self._by_name.get((name, room))
        return everywhere if here is None else everywhere + here

    def has_rooms(self, name: str) -> bool:
        """Whether somebody hears this event in one room only."""
        return name in self._roomed

    def find_any(self) -> tuple[Subscription, ...]:
        """Return who hears every event."""
        return self._by_name.get((ANY, None), ())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a handler's coroutine; `cancel` ends it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def report(self, names: tuple[str, ...], error: Exception) -> None:
        """Log and count a handler's exception; delivery goes on."""
        self.failures += 1
        logger.error("a handler of %s failed", ", ".join(names), exc_info=error)

    async def cancel(self) -> None:
        """End the handlers that run, except the one that asks."""
        asker = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not asker]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
