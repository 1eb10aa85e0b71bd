"""Background tasks."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar

import pytest

from longwire.background import BackgroundTasks

user: ContextVar[str] = ContextVar("user", default="none")


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("no")


async def test_a_task_is_kept_until_it_ends() -> None:
    tasks, gate = BackgroundTasks(), asyncio.Event()
    task = tasks.start(gate.wait(), name="waiting")
    assert task.get_name() == "waiting"
    assert set(tasks) == {task}
    gate.set()
    assert await task is True
    assert not tasks


async def test_a_task_runs_in_the_given_context() -> None:
    async def get_user() -> str:
        return user.get()

    tasks = BackgroundTasks()
    user.set("u1")
    assert await tasks.start(get_user()) == "u1"
    assert await tasks.start(get_user(), context=Context()) == "none"


async def test_a_task_that_cancels_all_is_not_cancelled() -> None:
    tasks = BackgroundTasks()
    others = [tasks.start(forever()) for _ in range(3)]

    async def cancel_all() -> None:
        tasks.cancel()
        await tasks.wait(return_exceptions=True)

    await tasks.start(cancel_all())
    assert all(task.cancelled() for task in others)


async def test_waiting_raises_the_exception_of_a_task_by_default() -> None:
    tasks = BackgroundTasks()
    tasks.start(fail())
    await tasks.wait(return_exceptions=True)
    tasks.start(fail())
    with pytest.raises(ValueError, match="no"):
        await tasks.wait()


async def test_cancelling_wait_cancels_the_tasks() -> None:
    tasks = BackgroundTasks()
    task = tasks.start(forever())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await tasks.wait()
    assert task.cancelled()
