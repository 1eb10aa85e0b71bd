"""Runs a handler function over its subscription's queue."""

import asyncio
import inspect
from collections.abc import Callable, Iterable

from longwire.background import is_cancelled
from longwire.client.handlers.arguments import Arguments, Question, values_of
from longwire.client.handlers.registry import Subscriptions
from longwire.clock import clock

# Seconds for which a handler that does not await may hold the loop before others get a turn.
SLICE = 0.005

# Failures of a handler. Awaiting something that was cancelled is a failure like any other.
FAILURES = (Exception, asyncio.CancelledError)


class Handler:
    """Calls a function with every event, one after the other; awaitable results are awaited.

    A function that never awaits costs no task: it runs inside the read loop's turn, for at most
    `SLICE` seconds. Once a result is awaitable, one task drains the queue until it is empty.

    Attributes:
        subscription: The queue of this handler.
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
        self.subscription = subscriptions.create(names, room, self._wake, answers=True)

    def _wake(self) -> None:
        self.subscription.is_awake = True
        self._subscriptions.run_soon(self._drain)

    def _drain(self) -> None:
        """Call the function until the queue is empty, a result is awaitable, or time is up."""
        subscription, function = self.subscription, self._function
        pending, deadline = subscription.pending, clock.monotonic() + SLICE
        while pending:
            arguments = subscription.take() if subscription.is_congested else pending.popleft()
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
        """Await the first result, then drain the queue in this task until it is empty."""
        subscription = self.subscription
        try:
            while True:
                try:
                    if result is not None and inspect.isawaitable(result):
                        result = await result
                    if type(arguments) is Question:
                        arguments.answer(values_of(result))
                except FAILURES as error:
                    # The client cancels this task; anything else is the handler's own failure.
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
