"""The subscriptions of a client, found by event name and room, and the handlers that run."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from longwire.background import BackgroundTasks
from longwire.client.handlers.subscription import ANY, Subscription

logger = logging.getLogger("longwire.client")

# Cached results of `find`; each is one event in one room.
MAX_FOUND = 10_000


class Subscriptions:
    """All subscriptions of one client.

    Args:
        capacity: Queue length from which a subscription counts as congested.
        relieve: Called when a congested subscription is half empty again.

    Attributes:
        congested_count: Number of congested subscriptions.
        failures: Number of exceptions that handlers raised.
    """

    def __init__(self, capacity: int, relieve: Callable[[], None]) -> None:
        self._by_name: dict[tuple[str, str | None], tuple[Subscription, ...]] = {}
        self._found: dict[tuple[str, str | None], tuple[Subscription, ...]] = {}
        # Subscriptions of one room, by event name.
        self._roomed: Counter[str] = Counter()
        self._subscriptions: set[Subscription] = set()
        # Handlers to run at the end of the present batch; None outside a batch.
        self._due: list[Callable[[], None]] | None = None
        self._tasks = BackgroundTasks()
        self._capacity = capacity
        self._relieve = relieve
        self.congested_count = 0
        self.failures = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    def create(
        self,
        names: Iterable[str],
        room: str | None,
        wake: Callable[[], None],
        *,
        answers: bool = False,
    ) -> Subscription:
        """Return a new subscription; it receives events once it is added."""
        return Subscription(
            tuple(names),
            room,
            wake,
            capacity=self._capacity,
            on_congestion=self._count_congestion,
            on_stop=self.remove,
            answers=answers,
        )

    def _count_congestion(self, change: int) -> None:
        self.congested_count += change
        if change < 0:
            self._relieve()

    def add(self, subscription: Subscription) -> None:
        """Deliver events to a subscription from now on."""
        self._found.clear()
        self._subscriptions.add(subscription)
        for name in subscription.names:
            key = (name, subscription.room)
            self._by_name[key] = (*self._by_name.get(key, ()), subscription)
            self._roomed[name] += subscription.room is not None

    def remove(self, subscription: Subscription) -> None:
        """Deliver nothing more to a subscription; unknown ones are ignored."""
        if subscription not in self._subscriptions:
            return
        self._subscriptions.discard(subscription)
        self._found.clear()
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
        """Return the subscriptions that receive an event in a room."""
        found = self._found.get((name, room))
        return self._look_up(name, room) if found is None else found

    def _look_up(self, name: str, room: str | None) -> tuple[Subscription, ...]:
        if len(self._found) >= MAX_FOUND:
            self._found.clear()
        found = self._by_name.get((name, None), ())
        if room is not None:
            found += self._by_name.get((name, room), ())
        found += self._by_name.get((ANY, None), ())
        self._found[name, room] = found
        return found

    def has_rooms(self, name: str) -> bool:
        """Whether a subscription receives this event from one room only."""
        return name in self._roomed

    def run_soon(self, drain: Callable[[], None]) -> None:
        """Run a handler at the end of the present batch, or in the loop's next turn."""
        if self._due is None:
            asyncio.get_running_loop().call_soon(drain)
        else:
            self._due.append(drain)

    def begin_batch(self) -> None:
        """Postpone handlers until `end_batch`."""
        self._due = []

    def end_batch(self) -> None:
        """Run the handlers that received events; this saves each of them a turn of the loop."""
        due, self._due = self._due or (), None
        for drain in due:
            drain()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a handler's coroutine in a task; `cancel` ends it."""
        self._tasks.start(work)

    def report(self, names: tuple[str, ...], error: BaseException) -> None:
        """Log and count an exception of a handler; delivery continues."""
        self.failures += 1
        logger.error("a handler of %s failed", ", ".join(names), exc_info=error)

    def resume(self) -> None:
        """Wake all consumers whose events still wait from before `cancel`."""
        for subscription in list(self._subscriptions):
            subscription.resume()

    async def cancel(self) -> None:
        """Cancel running handlers, except the caller; their queues keep the events that wait."""
        # A task that is cancelled before its first step never runs its `finally` block.
        await asyncio.sleep(0)
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
