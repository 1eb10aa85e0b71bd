"""Leases: jobs whose workers stop responding are failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from longwire import JobState, Server, anonymous
from longwire.broker import MemoryBroker, SQLiteBroker, open_broker
from longwire.catalog import (
    JobCompleted,
    JobCreated,
    JobLease,
    JobOutput,
    JobResult,
    JobStatusChanged,
)
from longwire.errors import BrokerUnavailable, StaleAttempt
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.server.jobs.leases import RETURN_GRACE
from longwire.testing import ManualClock
from longwire.types import Position

LEASE = 60.0
# The precision of deadlines.
TICK = 0.25


@pytest.fixture
async def server(longwire_clock: ManualClock) -> AsyncIterator[Server]:
    async with Server(authenticate=anonymous) as server:
        yield server


async def begin(server: Server, job_id: str) -> None:
    await server.publish(JobCreated(job_id=job_id))
    await server.publish(JobStatusChanged(job_id=job_id, status="running"))
    await server.publish(JobLease(job_id=job_id, expires_in=LEASE))


async def state_of(server: Server, job_id: str) -> JobState:
    state = await server.job_state(job_id)
    assert state is not None
    return state


async def test_a_silent_worker_is_declared_lost(
    server: Server, longwire_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(server, "1")
    await longwire_clock.advance(LEASE - TICK)
    assert (await state_of(server, "1")).is_running
    await longwire_clock.advance(2 * TICK)
    state = await state_of(server, "1")
    assert (state.status, state.error_code, state.retryable) == ("failed", "worker_lost", True)
    assert [record.message for record in caplog.records] == ["job '1' lost its worker"]


async def test_every_event_of_a_job_renews_its_lease(
    server: Server, longwire_clock: ManualClock
) -> None:
    await begin(server, "1")
    for _ in range(3):
        await longwire_clock.advance(LEASE - TICK)
        await server.publish(JobStatusChanged(job_id="1", status="running", message="alive"))
    assert (await state_of(server, "1")).is_running
    await longwire_clock.advance(LEASE + TICK)
    assert (await state_of(server, "1")).error_code == "worker_lost"


async def test_a_job_that_ended_is_not_declared_lost(
    server: Server, longwire_clock: ManualClock
) -> None:
    await begin(server, "1")
    await server.publish(JobCompleted(job_id="1", result=JobResult(), cost=0, duration=1))
    await longwire_clock.advance(10 * LEASE)
    assert (await state_of(server, "1")).status == "completed"


async def test_a_job_without_a_lease_may_stay_silent(
    server: Server, longwire_clock: ManualClock
) -> None:
    await server.publish(JobStatusChanged(job_id="foreign", status="running"))
    await longwire_clock.advance(2 * 3600)
    assert (await state_of(server, "foreign")).is_running


async def test_a_restarted_server_takes_over_the_leases_of_unfinished_jobs(
    tmp_path: Path, longwire_clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with Server(authenticate=anonymous, broker=open_broker(url)) as first:
        await begin(first, "1")
    await longwire_clock.advance(10 * LEASE)
    async with Server(authenticate=anonymous, broker=open_broker(url)) as second:
        assert (await state_of(second, "1")).is_running, "it has its whole lease again"
        await longwire_clock.advance(LEASE + RETURN_GRACE - TICK)
        assert (await state_of(second, "1")).is_running, "its worker may still be on its way"
        await longwire_clock.advance(2 * TICK)
        state = await state_of(second, "1")
    assert (state.status, state.error_code) == ("failed", "worker_lost")


async def test_the_leases_are_whole_again_after_the_server_was_suspended(
    server: Server, longwire_clock: ManualClock
) -> None:
    """The timers fired before the sockets were read: all running jobs were declared lost."""
    for job_id in ("1", "2"):
        await begin(server, job_id)
        await longwire_clock.advance(LEASE / 4)
    longwire_clock.suspend(2 * LEASE)
    await longwire_clock.advance(LEASE)
    assert [(await state_of(server, job_id)).is_running for job_id in "12"] == [True, True]
    await longwire_clock.advance(RETURN_GRACE + TICK)
    assert [(await state_of(server, job_id)).is_running for job_id in "12"] == [False, False]


async def test_a_lease_that_ran_out_just_before_the_server_continued_is_whole_again(
    server: Server, longwire_clock: ManualClock
) -> None:
    """Its own timer is hardly late, but the server read nothing before."""
    await begin(server, "1")
    await longwire_clock.advance(LEASE - 20)
    longwire_clock.suspend(20 + TICK)
    await longwire_clock.advance(20)
    assert (await state_of(server, "1")).is_running


class SlowBroker(SQLiteBroker):
    """Takes long to list its rooms, as with many of them on a slow machine."""

    clock: ManualClock

    async def rooms(self, prefix: str) -> list[str]:
        self.clock.suspend(10 * LEASE)
        return await super().rooms(prefix)


async def test_leases_do_not_run_out_while_the_server_starts(
    tmp_path: Path, longwire_clock: ManualClock
) -> None:
    path = tmp_path / "log.db"
    async with Server(authenticate=anonymous, broker=SQLiteBroker(path)) as first:
        await begin(first, "1")
    broker = SlowBroker(path)
    broker.clock = longwire_clock
    async with Server(authenticate=anonymous, broker=broker) as second:
        await longwire_clock.advance(LEASE)
        assert (await state_of(second, "1")).is_running


async def test_every_death_of_every_attempt_is_declared(
    server: Server, longwire_clock: ManualClock
) -> None:
    """The second death had the id of the first: the job ran for ever."""
    for attempt in (1, 1, 2, 2, 3):
        with suppress(StaleAttempt):  # it exists
            await server.publish(JobCreated(job_id="1"), attempt=attempt)
        await server.publish(JobStatusChanged(job_id="1", status="running"), attempt=attempt)
        await server.publish(JobLease(job_id="1", expires_in=LEASE), attempt=attempt)
        await longwire_clock.advance(LEASE + TICK)
        state = await state_of(server, "1")
        assert (state.error_code, state.attempt) == ("worker_lost", attempt)


async def test_a_worker_that_came_back_with_output_alone_is_declared_lost_again(
    server: Server, longwire_clock: ManualClock
) -> None:
    await server.publish(JobCreated(job_id="1"), attempt=1)
    await server.publish(JobLease(job_id="1", expires_in=LEASE), attempt=1)
    await longwire_clock.advance(LEASE + TICK)
    assert (await state_of(server, "1")).error_code == "worker_lost"
    await server.publish(JobOutput(job_id="1", chunk="back"), attempt=1)
    assert [state.is_running for state in await server.jobs()] == [True]
    await longwire_clock.advance(LEASE - TICK)
    assert (await state_of(server, "1")).is_running
    await longwire_clock.advance(2 * TICK)
    assert (await state_of(server, "1")).error_code == "worker_lost"


async def test_a_worker_that_dies_before_its_first_lease_is_declared_lost(
    server: Server, longwire_clock: ManualClock
) -> None:
    await server.publish(JobCreated(job_id="1"), attempt=1)
    await longwire_clock.advance(DEFAULT_LEASE + TICK)
    assert (await state_of(server, "1")).error_code == "worker_lost"


async def test_a_job_that_waits_for_its_next_attempt_has_no_lease(
    server: Server, longwire_clock: ManualClock
) -> None:
    await begin(server, "1")
    await server.publish(JobCreated(job_id="1", attempt=2))
    await longwire_clock.advance(10 * LEASE)
    assert (await state_of(server, "1")).status == "queued"


class FaultyBroker(MemoryBroker):
    """Raises, or waits, while a test says so."""

    is_away = False

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def publish(self, *args: Any, **options: Any) -> Position:
        await self.goes_on.wait()
        if self.is_away:
            raise BrokerUnavailable("away")
        return await super().publish(*args, **options)


async def test_a_job_of_this_process_is_not_declared_lost(longwire_clock: ManualClock) -> None:
    """A body that kept the event loop busy lost its result."""
    broker = FaultyBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        async with server.job(job_id="1", lease=LEASE):
            broker.goes_on.clear()
            await longwire_clock.advance(3 * LEASE)
            broker.goes_on.set()
        state = await state_of(server, "1")
        events = [entry.event for entry in (await broker.read("job:1")).publications]
    assert (state.status, events.count("job:failed")) == ("completed", 0)


async def test_an_outage_of_the_log_does_not_count_as_silence(
    longwire_clock: ManualClock,
) -> None:
    broker = FaultyBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        await begin(server, "1")
        broker.is_away = True
        await longwire_clock.advance(LEASE - TICK)
        with pytest.raises(BrokerUnavailable):
            await server.publish(JobLease(job_id="1", expires_in=LEASE))
        broker.is_away = False
        await longwire_clock.advance(LEASE - TICK)
        assert (await state_of(server, "1")).is_running
