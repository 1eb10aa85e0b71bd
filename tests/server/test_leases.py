"""Jobs whose workers die without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longwire import JobState, Server, anonymous
from longwire.broker import open_broker
from longwire.catalog import JobCompleted, JobCreated, JobLease, JobResult, JobStatusChanged


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(authenticate=anonymous) as server:
        yield server


async def begin(server: Server, job_id: str, lease: float) -> None:
    await server.publish(JobCreated(job_id=job_id))
    await server.publish(JobStatusChanged(job_id=job_id, status="running"))
    await server.publish(JobLease(job_id=job_id, expires_in=lease))


async def ended(server: Server, job_id: str) -> JobState:
    """Wait for the job's terminal event."""
    over = asyncio.Event()

    def listen(message: object) -> None:
        over.set()

    await server.hub.listen(f"job:{job_id}", listen)
    async with asyncio.timeout(5):
        while True:
            state = await server.job_state(job_id)
            assert state is not None
            if state.is_complete:
                return state
            over.clear()
            await over.wait()


async def test_a_worker_that_falls_silent_is_declared_lost(server: Server) -> None:
    await begin(server, "1", lease=0.05)
    state = await ended(server, "1")
    assert (state.status, state.error_code, state.retryable) == ("failed", "worker_lost", True)


async def test_every_event_of_a_job_renews_its_lease(server: Server) -> None:
    await begin(server, "silent", lease=0.3)
    await begin(server, "busy", lease=0.6)
    await ended(server, "silent")
    await server.publish(JobStatusChanged(job_id="busy", status="running", message="alive"))
    state = await server.job_state("busy")
    assert state is not None
    assert state.is_running
    assert (await ended(server, "busy")).error_code == "worker_lost"


async def test_a_job_that_ended_is_not_declared_lost(server: Server) -> None:
    await begin(server, "done", lease=0.05)
    await server.publish(JobCompleted(job_id="done", result=JobResult(), cost=0, duration=1))
    await begin(server, "witness", lease=0.3)
    await ended(server, "witness")
    state = await server.job_state("done")
    assert state is not None
    assert state.status == "completed"


async def test_a_job_without_a_lease_may_be_silent_for_ever(server: Server) -> None:
    await server.publish(JobStatusChanged(job_id="foreign", status="running"))
    await begin(server, "witness", lease=0.05)
    await ended(server, "witness")
    state = await server.job_state("foreign")
    assert state is not None
    assert state.is_running


async def test_a_restarted_server_takes_over_the_leases_of_unfinished_jobs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with Server(authenticate=anonymous, broker=open_broker(url)) as first:
        await begin(first, "1", lease=0.4)
    async with Server(authenticate=anonymous, broker=open_broker(url)) as second:
        state = await ended(second, "1")
    assert (state.status, state.error_code) == ("failed", "worker_lost")
