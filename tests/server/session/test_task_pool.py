"""Coroutines in tasks that are used again behave as if each had its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from longwire.server.session.task_pool import TaskPool

user: ContextVar[str] = ContextVar("user", default="nobody")


@pytest.fixture
async def pool() -> AsyncIterator[TaskPool]:
    pool = TaskPool()
    yield pool
    await pool.close()


async def ended(events: list[object], count: int) -> None:
    async with asyncio.timeout(5):
        while len(events) < count:  # noqa: ASYNC110 (what runs shall not know that it is watched)
            await asyncio.sleep(0)


async def test_coroutines_begin_in_order_and_who_waits_holds_nobody_up(pool: TaskPool) -> None:
    said: list[object] = []
    gates = [asyncio.Event() for _ in range(50)]

    async def wait(number: int) -> None:
        said.append(number)
        await gates[number].wait()
        said.append(-number)

    async def speak(number: int) -> None:
        said.append(number)

    for number in range(50):
        pool.run(wait(number) if number % 3 else speak(number))
    await ended(said, 50)
    assert said == list(range(50))
    for number in range(49, 0, -1):
        gates[number].set()
    await ended(said, 50 + 33)
    assert sorted(said[50:]) == sorted(-number for number in range(50) if number % 3)


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


async def test_tasks_are_kept_for_later_but_not_all(pool: TaskPool) -> None:
    said: list[object] = []
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()
        said.append("done")

    before = len(asyncio.all_tasks())
    for _ in range(100):
        pool.run(wait())
    for _ in range(8):  # 1 + 2 + 4 + … begin with each turn
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) - before >= 100
    gate.set()
    await ended(said, 100)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) - before == 16


async def test_each_has_the_context_of_who_gave_it_and_keeps_its_own_changes(
    pool: TaskPool,
) -> None:
    said: list[object] = []

    async def remember(name: str) -> None:
        assert user.get() == "caller"
        user.set(name)
        await asyncio.sleep(0)
        said.append((name, user.get()))

    async def look() -> None:
        said.append(user.get())

    token = user.set("caller")
    pool.run(remember("ann"))
    pool.run(remember("bob"))
    pool.run(look())
    user.reset(token)
    await ended(said, 3)
    pool.run(look())
    await ended(said, 4)
    assert sorted(map(str, said)) == ["('ann', 'ann')", "('bob', 'bob')", "caller", "nobody"]


async def test_a_timeout_ends_the_one_that_set_it(pool: TaskPool) -> None:
    said: list[object] = []

    async def hurry() -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            said.append("late")
        await asyncio.sleep(0)
        said.append("goes on")

    pool.run(hurry())
    await ended(said, 2)
    assert said == ["late", "goes on"]


async def test_who_cancels_its_own_task_cancels_nobody_else(pool: TaskPool) -> None:
    said: list[object] = []

    async def give_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        said.append("gave up")

    async def go_on() -> None:
        await asyncio.sleep(0)
        said.append("went on")

    pool.run(give_up())
    pool.run(go_on())
    pool.run(go_on())
    await ended(said, 3)
    assert said == ["gave up", "went on", "went on"]


async def test_closing_cancels_who_waits_and_drops_who_did_not_begin(pool: TaskPool) -> None:
    said: list[object] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    async def never() -> None:
        said.append("never")

    pool.run(wait())
    await asyncio.sleep(0)
    pool.run(never())
    await pool.close()
    assert said == ["cancelled"]
    assert pool._tasks == set()
