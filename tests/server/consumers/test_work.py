"""Bounded concurrency over keys."""

from __future__ import annotations

import asyncio

import pytest

from longwire.server.consumers.work import RUN_AGAIN, KeyedWork
from longwire.testing import ManualClock


class Runs:
    """Work that waits until the test lets it end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.running: dict[str, asyncio.Future[float | None]] = {}

    async def run(self, key: str) -> float | None:
        self.begun.append(key)
        assert key not in self.running
        self.running[key] = asyncio.get_running_loop().create_future()
        try:
            return await self.running[key]
        finally:
            del self.running[key]

    def end(self, key: str, delay: float | None = None) -> None:
        self.running[key].set_result(delay)


async def test_a_limited_number_of_keys_run_in_the_order_of_their_arrival() -> None:
    runs = Runs()
    work = KeyedWork(2, runs.run)
    with ManualClock() as clock:
        for key in "abcab":
            work.add(key)
        await clock.settle()
        assert runs.begun == ["a", "b"]
        assert (len(work), "c" in work, work.is_running("c")) == (3, True, False)
        runs.end("a")
        await clock.settle()
        assert runs.begun == ["a", "b", "c"]
        await work.close(0)


async def test_a_key_that_is_added_while_it_runs_is_run_again() -> None:
    runs = Runs()
    work = KeyedWork(2, runs.run)
    with ManualClock() as clock:
        work.add("a")
        await clock.settle()
        work.add("a")
        work.add("a")
        runs.end("a")
        await clock.settle()
        assert runs.begun == ["a", "a"]
        runs.end("a")
        await clock.settle()
        assert len(work) == 0
        await work.close(0)


async def test_a_delay_does_not_take_the_place_of_another_key_and_is_not_shortened() -> None:
    runs = Runs()
    work = KeyedWork(1, runs.run)
    with ManualClock() as clock:
        work.add("a")
        work.add("b")
        await clock.settle()
        runs.end("a", 10.0)
        await clock.settle()
        assert runs.begun == ["a", "b"]
        work.add("a")
        runs.end("b", 0.0)
        await clock.advance(9.9)
        assert runs.begun == ["a", "b", "b"]
        runs.end("b")
        await clock.advance(0.1)
        assert runs.begun == ["a", "b", "b", "a"]
        await work.close(0)


async def test_a_discarded_key_does_not_run_again() -> None:
    runs = Runs()
    work = KeyedWork(1, runs.run)
    with ManualClock() as clock:
        for key in ("a", "b", "a"):
            work.add(key)
        await clock.settle()
        work.add("a")
        work.discard("a")
        work.discard("b")
        work.discard("unknown")
        runs.end("a")
        await clock.settle()
        assert runs.begun == ["a"]
        work.add("c")
        await clock.settle()
        runs.end("c", 5.0)
        await clock.settle()
        work.discard("c")
        await clock.advance(10)
        assert runs.begun == ["a", "c"]
        assert len(work) == 0
        await work.close(0)


async def test_an_unexpected_exception_is_logged_and_the_key_runs_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = Runs()
    work = KeyedWork(1, runs.run)
    with ManualClock() as clock:
        work.add("a")
        await clock.settle()
        runs.running["a"].set_exception(ZeroDivisionError())
        await clock.advance(RUN_AGAIN)
        assert runs.begun == ["a", "a"]
        await work.close(0)
    assert "a consumer failed on 'a'; it tries again" in caplog.text


async def test_closing_waits_for_what_runs_and_then_cancels_it() -> None:
    runs = Runs()
    work = KeyedWork(2, runs.run)
    with ManualClock() as clock:
        for key in "abc":
            work.add(key)
        await clock.settle()
        closing = asyncio.create_task(work.close(5.0))
        await clock.advance(1)
        runs.end("a")
        await clock.advance(1)
        assert runs.begun == ["a", "b"]
        assert not closing.done()
        await clock.advance(3)
        await closing
    assert runs.running == {}
