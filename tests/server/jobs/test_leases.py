"""Leases: jobs whose workers stop responding are failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longwire import JobState, Server, anonymous
from longwire.broker import open_broker
from longwire.catalog import JobCompleted, JobCreated, JobLease, JobResult, JobStatusChanged
from longwire.server.jobs.leases import RETURN_GRACE
from longwire.testing import ManualClock

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
