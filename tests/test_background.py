"""Tasks that somebody keeps."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar

import pytest

from longwire.background import BackgroundTasks

user: ContextVar[str] = ContextVar("user", default="nobody")


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


async def test_a_task_runs_in_the_context_that_it_is_given() -> None:
    async def who() -> str:
        return user.get()

    tasks = BackgroundTasks()
    user.set("u1")
    assert await tasks.start(who()) == "u1"
    assert await tasks.start(who(), context=Context()) == "nobody"


async def test_who_cancels_all_goes_on_itself() -> None:
    tasks = BackgroundTasks()
    others = [tasks.start(forever()) for _ in range(3)]

    async def end_the_others() -> None:
        tasks.cancel()
        await tasks.wait(return_exceptions=True)

    await tasks.start(end_the_others())
    assert all(task.cancelled() for task in others)


async def test_waiting_raises_what_a_task_raised_unless_asked_not_to() -> None:
    tasks = BackgroundTasks()
    tasks.start(fail())
    await tasks.wait(return_exceptions=True)
    tasks.start(fail())
    with pytest.raises(ValueError, match="no"):
        await tasks.wait()


async def test_who_gives_waiting_up_ends_what_is_waited_for() -> None:
    tasks = BackgroundTasks()
    task = tasks.start(forever())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await tasks.wait()
    assert task.cancelled()
