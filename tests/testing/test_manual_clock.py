"""`ManualClock`: time stands still until a test advances it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from longwire.clock import clock as library
from longwire.errors import ConfigurationError
from longwire.testing import ManualClock, StandStill


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    with ManualClock(patience=0.1) as clock:
        yield clock


async def test_advance_moves_all_clocks(clock: ManualClock) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time(), library.monotonic(), library.time()

    await clock.advance(90)

    assert [
        after - was
        for was, after in zip(
            before, (loop.time(), library.monotonic(), library.time()), strict=True
        )
    ] == pytest.approx([90, 90, 90])


async def test_advancing_an_hour_takes_no_real_time(clock: ManualClock) -> None:
    began = time.perf_counter()
    sleeping = asyncio.create_task(asyncio.sleep(3600, "done"))

    await clock.advance(3600)

    assert sleeping.result() == "done"
    assert time.perf_counter() - began < 10


async def test_timers_fire_in_order_and_exactly_on_time(clock: ManualClock) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    fired: list[tuple[str, float]] = []

    def fire(name: str) -> None:
        fired.append((name, round(loop.time() - began, 6)))

    async def tick() -> None:
        for _ in range(3):
            await asyncio.sleep(2)
            fire("tick")

    ticking = asyncio.create_task(tick())
    loop.call_later(5, fire, "five")
    loop.call_later(1, lambda: loop.call_later(2, fire, "three"))
    await clock.advance(5)

    assert fired == [("tick", 2), ("three", 3), ("tick", 4), ("five", 5)]
    await clock.advance(1)
    await ticking


async def test_a_timer_that_is_not_due_waits(clock: ManualClock) -> None:
    sleeping = asyncio.create_task(asyncio.sleep(10))

    await clock.advance(9.999)
    assert not sleeping.done()

    await clock.advance(0.001)
    assert sleeping.done()


async def test_a_timeout_expires_when_the_clock_advances(clock: ManualClock) -> None:
    async def wait() -> None:
        async with asyncio.timeout(20):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await clock.advance(20)

    with pytest.raises(TimeoutError):
        await waiting


async def test_settle_does_not_advance_time(clock: ManualClock) -> None:
    began, passed = clock.monotonic(), []

    async def pass_on(turns: int) -> None:
        if turns:
            await asyncio.create_task(pass_on(turns - 1))
        passed.append(turns)

    passing = asyncio.create_task(pass_on(50))
    await clock.settle()

    assert passed == list(range(51))
    assert clock.monotonic() == began
    await passing


async def test_waits_for_work_in_threads_without_advancing_time(clock: ManualClock) -> None:
    asked = threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> str:
        asked.wait()
        return "done"

    async def use_a_thread() -> None:
        results.append(await asyncio.to_thread(work))
        await asyncio.sleep(1)
        results.append(str(round(loop.time() - began)))

    results: list[str] = []
    began = loop.time()
    using = asyncio.create_task(use_a_thread())
    threading.Timer(0.02, asked.set).start()
    await clock.advance(1)

    assert results == ["done", "1"]
    await using


async def test_the_start_time_can_be_set() -> None:
    with ManualClock(start=1_000_000_000) as clock:
        await clock.advance(1)
        assert clock.time() == pytest.approx(1_000_000_001)


async def test_real_time_resumes_after_the_block() -> None:
    with ManualClock() as clock:
        await clock.advance(100)
    before = asyncio.get_running_loop().time()
    await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() > before
    assert library.monotonic is time.monotonic
    assert library.time is time.time
    assert await asyncio.to_thread(lambda: "threads too") == "threads too"


async def test_rejects_a_second_clock_on_one_loop(clock: ManualClock) -> None:
    with pytest.raises(ConfigurationError, match="already controls"), ManualClock():
        pass


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
async def test_rejects_an_invalid_duration(clock: ManualClock, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="seconds must be >= 0"):
        await clock.advance(seconds)


async def test_rejects_a_second_task_that_advances_the_clock(clock: ManualClock) -> None:
    moving = asyncio.create_task(clock.advance(1))
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match="another task"):
        await clock.advance(1)
    await moving


async def test_a_cancelled_advance_can_be_followed_by_another(clock: ManualClock) -> None:
    began = clock.monotonic()
    moving = asyncio.create_task(clock.advance(1))
    await asyncio.sleep(0)
    moving.cancel()
    await asyncio.wait([moving])
    await clock.advance(2)
    assert clock.monotonic() - began == pytest.approx(2)
    assert moving.cancelled()


def test_fails_when_a_test_waits_for_a_timer() -> None:
    async def forget_the_clock() -> None:
        with ManualClock(patience=0.05):
            await asyncio.sleep(25)

    with pytest.raises(StandStill, match=r"the next timer is due in 25\.000 s") as caught:
        asyncio.run(forget_the_clock())
    assert "waiting: forget_the_clock (" in str(caught.value)
    assert f"{Path(__file__).name}:" in str(caught.value)


def test_fails_when_a_test_waits_without_a_timer() -> None:
    async def wait_for_nothing() -> None:
        with ManualClock(patience=0.05):
            await asyncio.Event().wait()

    with pytest.raises(StandStill, match="no timer is set"):
        asyncio.run(wait_for_nothing())


async def test_sockets_and_threads_stay_in_real_time(clock: ManualClock) -> None:
    loop = asyncio.get_running_loop()
    called = asyncio.Event()
    threading.Timer(0.02, loop.call_soon_threadsafe, [called.set]).start()
    await called.wait()

    served = loop.create_future()
    listener = await asyncio.start_server(lambda _, writer: served.set_result(writer), "127.0.0.1")
    async with listener:
        host, port = listener.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        peer = await served
        threading.Timer(0.2, loop.call_soon_threadsafe, [peer.write, b"hello"]).start()
        assert await reader.readexactly(5) == b"hello", "in real time"
        for end in (writer, peer):
            end.close()
            await end.wait_closed()


def test_rejects_an_event_loop_other_than_asyncios() -> None:
    async def hold() -> None:
        with ManualClock():
            pass

    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(ConfigurationError, match="not uvloop's"),
    ):
        runner.run(hold())
