"""Tasks that are used again: a coroutine that never waits costs no task of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from longwire.background import BackgroundTasks
from longwire.server.session.stepping import go_on

if TYPE_CHECKING:
    from collections.abc import Coroutine

# Tasks that are kept for what comes next: what a handful of coroutines leave when all had to wait.
MAX_IDLE = 16


class TaskPool:
    """Runs coroutines as `create_task` would, at a fraction of its cost.

    They begin in the order in which they were given. A task runs one after the other; as soon as
    one waits, other tasks go on with those that follow. Each has a context of its own, and finds
    in `current_task`, timeouts and cancellation what it expects.
    """

    def __init__(self) -> None:
        self._coming: deque[tuple[Coroutine[Any, Any, None], Context]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._tasks = BackgroundTasks()
        # Whether a task is about to take what comes, without waiting before.
        self._is_awake = False

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run `coroutine` soon; it must not raise."""
        self._coming.append((coroutine, copy_context()))
        if not self._is_awake:
            self._wake()

    async def close(self) -> None:
        """Cancel everything, and wait until it has ended."""
        while self._coming:
            self._coming.popleft()[0].close()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    def _wake(self) -> None:
        self._is_awake = True
        while self._idle:
            called = self._idle.pop()
            if not called.done():
                called.set_result(None)
                return
        self._tasks.start(self._work(), context=Context())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        try:
            # A coroutine that cancelled its own task must not cancel the next one.
            while task is not None and not task.cancelling():
                if self._coming:
                    coroutine, context = self._coming.popleft()
                    try:
                        awaited = context.run(coroutine.send, None)
                    except StopIteration:
                        continue
                    self._let_others_go_on()
                    await go_on(coroutine, awaited, context.run)
                    continue
                self._is_awake = False
                if len(self._idle) == MAX_IDLE:
                    return
                called = loop.create_future()
                self._idle.append(called)
                await called
        finally:
            self._let_others_go_on()

    def _let_others_go_on(self) -> None:
        self._is_awake = False
        # Two for each that waits: where all do, a thousand begin within ten turns of the loop.
        for _ in range(min(2, len(self._coming))):
            self._wake()
