"""Tasks that run beside those who started them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextvars import Context

T = TypeVar("T")


def is_cancelled() -> bool:
    """Whether somebody wants the running task to end; else only what it awaits was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class BackgroundTasks(set[asyncio.Task[Any]]):
    """The tasks that are under way; each leaves when it has ended.

    The event loop alone would not keep them: it refers to tasks weakly.
    """

    __slots__ = ()

    def start(
        self,
        coroutine: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """Run `coroutine` in a task, as `asyncio.create_task` does, and keep it until it ends."""
        task = asyncio.create_task(coroutine, name=name, context=context)
        self.add(task)
        task.add_done_callback(self.discard)
        return task

    def cancel(self) -> None:
        """Cancel all of them, except the one that asks."""
        for task in self._others():
            task.cancel()

    async def wait(self, *, return_exceptions: bool = False) -> None:
        """Wait until all have ended that are under way now, except the one that asks.

        Whoever is cancelled while waiting cancels them. The first exception is raised at once,
        unless `return_exceptions` leaves them to those who have the tasks.
        """
        await asyncio.gather(*self._others(), return_exceptions=return_exceptions)

    def _others(self) -> list[asyncio.Task[Any]]:
        asker = asyncio.current_task()
        return [task for task in self if task is not asker]
