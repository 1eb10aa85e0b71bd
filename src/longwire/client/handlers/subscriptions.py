"""Who hears which event, and the bounded queues between the read loop and handlers.

A subscription is a queue. What is read is appended to it; its handler runs after that, in order,
and a slow one fills its own queue only.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from longwire.background import BackgroundTasks, is_cancelled
from longwire.client.handlers.throttle import Gate
from longwire.clock import clock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from longwire.schema import Contract

logger = logging.getLogger("longwire.client")

ANY = "*"
"""The name under which every event is heard."""

# Answers of `find` that are kept; each is one event in one room.
MAX_FOUND = 10_000

# How long handlers that do not await may hold the loop before others get a turn.
SLICE = 0.005

# What a handler may fail with. Awaiting something that was cancelled is a failure like any other.
FAILURES = (Exception, asyncio.CancelledError)

Arguments = tuple[Any, ...]

Answer = Callable[[Arguments], None]
"""Sends the values of an acknowledgement."""


class Question(Arguments):
    """The arguments of an event that the server wants an answer to.

    Attributes:
        answer: to be called once, with what the handler returns.
    """

    answer: Answer

    @classmethod
    def ask(cls, arguments: Arguments, answer: Answer) -> Question:
        """Make one."""
        question = cls(arguments)
        question.answer = answer
        return question


class Subscription:
    """A bounded queue of events for one consumer.

    Attributes:
        names: the events that it hears.
        hears_all: whether that is everything.
        room: the only room that it hears, None for all.
        pending: what waits, oldest first.
        gate: holds events back before they come to `pending`, if that was ever asked for.
        is_awake: whether the consumer looks at the queue by itself, and need not be woken.
        is_over: whether the queue filled up and is not half empty again.
    """

    __slots__ = (
        "_answers",
        "_capacity",
        "_subscriptions",
        "_wake",
        "gate",
        "hears_all",
        "is_awake",
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
        *,
        answers: bool = False,
    ) -> None:
        self._answers = answers
        self._subscriptions = subscriptions
        self._capacity = subscriptions.capacity
        self._wake = wake
        self.names = tuple(names)
        self.hears_all = ANY in self.names
        self.room = room
        self.pending: deque[Arguments] = deque()
        self.gate: Gate | None = None
        self.is_awake = False
        self.is_over = False

    @property
    def size(self) -> int:
        """How many events wait."""
        return len(self.pending) if self.gate is None else len(self.pending) + len(self.gate)

    @property
    def can_answer(self) -> bool:
        """Whether what its consumer returns may answer the server."""
        return self._answers and self.gate is None

    def gated(self, contract: Contract, interval: float = 0.0) -> Gate:
        """Return the gate, which is there from now on."""
        if self.gate is None:
            self.gate = Gate(self, contract, interval)
        return self.gate

    def push(self, arguments: Arguments, room: str | None = None) -> None:
        """Take one event, of a room if that is known, and wake the consumer."""
        pending, gate = self.pending, self.gate
        if gate is None or not gate.holds(arguments, room):
            pending.append(arguments)
            if not self.is_awake:
                self._wake()
        size = len(pending) if gate is None else self.size
        if size >= self._capacity and not self.is_over:
            self.is_over = True
            self._subscriptions.full += 1

    def release(self, events: Iterable[Arguments]) -> None:
        """Take events that the gate held back."""
        self.pending.extend(events)
        if not self.is_awake:
            self._wake()

    def take(self) -> Arguments:
        """Give the oldest event; the queue is not empty."""
        arguments = self.pending.popleft()
        if self.is_over and self.size <= self._capacity // 2:
            self._relax()
        return arguments

    def _relax(self) -> None:
        self.is_over = False
        self._subscriptions.full -= 1
        self._subscriptions.relieve()

    def resume(self) -> None:
        """Let the consumer go on, if it was cancelled with the last connection or its loop."""
        if self.gate is not None:
            self.gate.restart()
        if self.pending and not self.is_awake:
            self._wake()

    def stop(self) -> None:
        """Hear nothing more, and hold nobody up; what waits may still be taken."""
        self._subscriptions.remove(self)
        if self.is_over:
            self._relax()

    def close(self) -> None:
        """Hear nothing more; what waits is dropped."""
        self.stop()
        self.pending.clear()
        if self.gate is not None:
            self.gate.close()


class Handler:
    """Calls a function with every event: one after the other, an awaitable result to its end.

    Attributes:
        subscription: where its events wait.
    """

    __slots__ = ("_function", "_subscriptions", "subscription")

    def __init__(
        self,
        subscriptions: Subscriptions,
        names: Iterable[str],
        room: str | None,
        function: Callable[..., object],
    ) -> None:
        self._subscriptions = subscriptions
        self._function = function
        self.subscription = Subscription(subscriptions, names, room, self._wake, answers=True)

    def _wake(self) -> None:
        self.subscription.is_awake = True
        self._subscriptions.run_soon(self._drain)

    def _drain(self) -> None:
        """Call the function until the queue is empty, it awaits, or its slice of time is over."""
        subscription, function = self.subscription, self._function
        pending, deadline = subscription.pending, clock.monotonic() + SLICE
        while pending:
            arguments = subscription.take() if subscription.is_over else pending.popleft()
            try:
                result = function(*arguments)
                if result is not None and inspect.isawaitable(result):
                    self._subscriptions.spawn(self._drain_awaiting(arguments, result))
                    return
                if type(arguments) is Question:
                    arguments.answer(values_of(result))
            except FAILURES as error:
                self._subscriptions.report(subscription.names, error)
                continue
            if clock.monotonic() >= deadline:
                asyncio.get_running_loop().call_soon(self._drain)
                return
        subscription.is_awake = False

    async def _drain_awaiting(self, arguments: Arguments, result: object) -> None:
        subscription = self.subscription
        try:
            while True:
                try:
                    if result is not None and inspect.isawaitable(result):
                        result = await result
                    if type(arguments) is Question:
                        arguments.answer(values_of(result))
                except FAILURES as error:
                    if type(error) is asyncio.CancelledError and is_cancelled():
                        raise
                    self._subscriptions.report(subscription.names, error)
                if not subscription.pending or is_cancelled():
                    break
                arguments, result = subscription.take(), None
                try:
                    result = self._function(*arguments)
                except FAILURES as error:
                    self._subscriptions.report(subscription.names, error)
                    arguments = ()
        finally:
            subscription.is_awake = False


def values_of(result: Any) -> Arguments:
    """Return the values of an acknowledgement: none, those of a tuple, or one."""
    if result is None:
        return ()
    values: Any = result
    return values if isinstance(result, tuple) else (result,)


class Subscriptions:
    """All subscriptions of one client, found by event name and room.

    Args:
        capacity: events that may wait for one consumer.
        relieve: called when a full queue is half empty again.

    Attributes:
        failures: exceptions of handlers, counted.
        full: subscriptions whose queue is full.
    """

    __slots__ = (
        "_by_name",
        "_due",
        "_found",
        "_roomed",
        "_subscriptions",
        "_tasks",
        "capacity",
        "failures",
        "full",
        "relieve",
    )

    def __init__(self, capacity: int, relieve: Callable[[], None]) -> None:
        self._by_name: dict[tuple[str, str | None], tuple[Subscription, ...]] = {}
        self._found: dict[tuple[str, str | None], tuple[Subscription, ...]] = {}
        self.full = 0
        self._due: list[Callable[[], None]] | None = None
        self._roomed: Counter[str] = Counter()
        self._subscriptions: set[Subscription] = set()
        self._tasks = BackgroundTasks()
        self.capacity = capacity
        self.relieve = relieve
        self.failures = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    def add(self, subscription: Subscription) -> None:
        """Let it hear its events from now on."""
        self._found.clear()
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
        """Return who hears this event in this room."""
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
        """Whether somebody hears this event in one room only."""
        return name in self._roomed

    def run_soon(self, drain: Callable[[], None]) -> None:
        """Let a handler take its events: at the end of the batch that is read, or in its turn."""
        if self._due is None:
            asyncio.get_running_loop().call_soon(drain)
        else:
            self._due.append(drain)

    def begin_batch(self) -> None:
        """Wake nobody until `end_batch`."""
        self._due = []

    def end_batch(self) -> None:
        """Run the handlers that have events now: it saves each a turn of the loop."""
        due, self._due = self._due or (), None
        for drain in due:
            drain()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a handler's coroutine; `cancel` ends it."""
        self._tasks.start(work)

    def report(self, names: tuple[str, ...], error: BaseException) -> None:
        """Log and count a handler's exception; delivery goes on."""
        self.failures += 1
        logger.error("a handler of %s failed", ", ".join(names), exc_info=error)

    def resume(self) -> None:
        """Let everybody go on with what still waits from before `cancel`."""
        for subscription in list(self._subscriptions):
            subscription.resume()

    async def cancel(self) -> None:
        """End the handlers that run, except the one that asks; what waits stays."""
        await asyncio.sleep(0)  # one that is cancelled before it began could not say that it ended
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
