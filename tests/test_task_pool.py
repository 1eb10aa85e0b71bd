"""Coroutines of a task pool behave as in tasks of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from longwire.task_pool import TaskPool

user: ContextVar[str] = ContextVar("user", default="default")


@pytest.fixture
async def pool() -> AsyncIterator[TaskPool]:
    pool = TaskPool()
    yield pool
    await pool.close()


async def ended(events: list[object], count: int) -> None:
    async with asyncio.timeout(5):
        while len(events) < count:  # noqa: ASYNC110 (the coroutines must not set an event)
            await asyncio.sleep(0)


async def test_coroutines_start_in_order_and_waiting_ones_do_not_block_others(
    pool: TaskPool,
) -> None:
    seen: list[object] = []
    gates = [asyncio.Event() for _ in range(50)]

    async def wait(number: int) -> None:
        seen.append(number)
        await gates[number].wait()
        seen.append(-number)

    async def run(number: int) -> None:
        seen.append(number)

    for number in range(50):
        pool.run(wait(number) if number % 3 else run(number))
    await ended(seen, 50)
    assert seen == list(range(50))
    for number in range(49, 0, -1):
        gates[number].set()
    await ended(seen, 50 + 33)
    assert sorted(seen[50:]) == sorted(-number for number in range(50) if number % 3)


async def test_coroutines_that_never_wait_share_one_task(pool: TaskPool) -> None:
    tasks: list[object] = []

    async def note() -> None:
        tasks.append(asyncio.current_task())

    for count in (1000, 2000, 3000):
        for _ in range(1000):
            pool.run(note())
        await ended(tasks, count)
    assert len(set(tasks)) == 1
    assert None not in tasks


async def test_a_limited_number_of_idle_tasks_is_kept(pool: TaskPool) -> None:
    seen: list[object] = []
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()
        seen.append("done")

    before = len(asyncio.all_tasks())
    for _ in range(100):
        pool.run(wait())
    for _ in range(8):  # 1, 2, 4, … start in each turn
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) - before >= 100
    gate.set()
    await ended(seen, 100)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) - before == 16


async def test_each_coroutine_has_a_copy_of_the_callers_context(
    pool: TaskPool,
) -> None:
    seen: list[object] = []

    async def remember(name: str) -> None:
        assert user.get() == "caller"
        user.set(name)
        await asyncio.sleep(0)
        seen.append((name, user.get()))

    async def look() -> None:
        seen.append(user.get())

    token = user.set("caller")
    pool.run(remember("ann"))
    pool.run(remember("bob"))
    pool.run(look())
    user.reset(token)
    await ended(seen, 3)
    pool.run(look())
    await ended(seen, 4)
    assert sorted(map(str, seen)) == ["('ann', 'ann')", "('bob', 'bob')", "caller", "default"]


async def test_a_timeout_ends_only_the_coroutine_that_set_it(pool: TaskPool) -> None:
    seen: list[object] = []

    async def hurry() -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("late")
        await asyncio.sleep(0)
        seen.append("continued")

    pool.run(hurry())
    await ended(seen, 2)
    assert seen == ["late", "continued"]


async def test_a_coroutine_that_cancels_its_own_task_cancels_no_other(pool: TaskPool) -> None:
    seen: list[object] = []

    async def cancel_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        seen.append("cancelled itself")

    async def proceed() -> None:
        await asyncio.sleep(0)
        seen.append("continued")

    pool.run(cancel_itself())
    pool.run(proceed())
    pool.run(proceed())
    await ended(seen, 3)
    assert seen == ["cancelled itself", "continued", "continued"]


async def test_closing_cancels_waiting_coroutines_and_drops_queued_ones(pool: TaskPool) -> None:
    seen: list[object] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def never() -> None:
        seen.append("never")

    pool.run(wait())
    await asyncio.sleep(0)
    pool.run(never())
    await pool.close()
    assert seen == ["cancelled"]
    assert pool._tasks == set()
