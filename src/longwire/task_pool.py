"""A pool of tasks that run many coroutines; one that never waits costs no task of its own."""

import asyncio
import operator
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any

from longwire.background import BackgroundTasks

# Idle tasks to keep: as many as a few coroutines leave behind that all had to wait.
MAX_IDLE = 16


@types.coroutine
def finish(
    steps: Coroutine[Any, Any, None] | Generator[Any, Any, None],
    awaited: object,
    run: Callable[..., Any] = operator.call,
) -> Generator[Any, Any, None]:
    """Await the rest of a coroutine whose first step was run by hand.

    Args:
        steps: the coroutine, or the result of `__await__`.
        awaited: what its first step yielded.
        run: calls each further step, for example `Context.run`.
    """
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:
                awaited = run(steps.throw, error)
            else:
                awaited = run(steps.send, sent)
    except StopIteration:
        pass


class TaskPool:
    """Runs coroutines like `asyncio.create_task`, at a fraction of the cost.

    Coroutines start in the order of the calls. A task runs one after the other; when one waits,
    another task continues with those that follow. Each coroutine has its own context, and
    `current_task`, timeouts and cancellation work as in a task of its own.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[Coroutine[Any, Any, None], Context]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._tasks = BackgroundTasks()
        self._is_awake = False  # whether some task will run the coroutines that are queued

    def run(self, coroutine: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        """Run `coroutine` soon; it must not raise.

        Args:
            coroutine: the coroutine.
            context: its context; by default a copy of the current one.
        """
        self._queue.append((coroutine, copy_context() if context is None else context))
        if not self._is_awake:
            self._wake()

    async def close(self) -> None:
        """Cancel all coroutines and wait until they have ended."""
        while self._queue:
            self._queue.popleft()[0].close()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    def _wake(self) -> None:
        self._is_awake = True
        while self._idle:
            wakeup = self._idle.pop()
            if not wakeup.done():
                wakeup.set_result(None)
                return
        self._tasks.start(self._work(), context=Context())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        try:
            # If a coroutine cancelled its own task, the next coroutine needs another task.
            while task is not None and not task.cancelling():
                if self._queue:
                    coroutine, context = self._queue.popleft()
                    try:
                        awaited = context.run(coroutine.send, None)
                    except StopIteration:
                        continue
                    self._wake_others()
                    await finish(coroutine, awaited, context.run)
                    continue
                self._is_awake = False
                if len(self._idle) == MAX_IDLE:
                    return
                wakeup = loop.create_future()
                self._idle.append(wakeup)
                await wakeup
        finally:
            self._wake_others()

    def _wake_others(self) -> None:
        self._is_awake = False
        # Two per waiting coroutine: if all wait, a thousand start within ten turns of the loop.
        for _ in range(min(2, len(self._queue))):
            self._wake()
