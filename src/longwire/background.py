"""Helpers for asyncio tasks and futures that no caller is guaranteed to await."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


def is_cancelled() -> bool:
    """Whether the current task has been asked to cancel.

    Tells a cancellation of the task itself from one of something that the task awaits.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def new_future() -> asyncio.Future[Any]:
    """Create a future of the running event loop."""
    return asyncio.get_running_loop().create_future()


def new_optional_future() -> asyncio.Future[Any]:
    """Create a future whose exception asyncio does not report if it is never retrieved.

    For results that the caller may ignore, because a state or a log shows the failure as well.
    """
    future = new_future()
    future.add_done_callback(retrieve_exception)
    return future


def retrieve_exception(future: asyncio.Future[Any]) -> None:
    """Mark the exception of a future or task as retrieved; a done callback."""
    if not future.cancelled():
        future.exception()


class BackgroundTasks(set[asyncio.Task[Any]]):
    """A set of running tasks; each one is removed when it ends.

    The set keeps the tasks alive: the event loop itself refers to tasks weakly.
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
        """Cancel all tasks except the current one."""
        for task in self._others():
            task.cancel()

    async def wait(self, *, return_exceptions: bool = False) -> None:
        """Wait for all tasks that are running now, except the current one.

        Cancelling the wait cancels the tasks. The first exception of a task is raised at once,
        unless `return_exceptions` is true; then exceptions are left to the owners of the tasks.
        """
        await asyncio.gather(*self._others(), return_exceptions=return_exceptions)

    def _others(self) -> list[asyncio.Task[Any]]:
        current = asyncio.current_task()
        return [task for task in self if task is not current]
