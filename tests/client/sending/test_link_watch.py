"""A client that runs jobs detects a dead link and reconnects before a lease runs out."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from longwire import Server, WebSocketClient
from longwire.catalog import JobLease
from longwire.client import ConnectionState
from longwire.jobs import Job
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.testing import Link, ManualClock, authenticate_by_name


@pytest.fixture
async def link(longwire_clock: ManualClock) -> AsyncIterator[Link]:
    async with Link(Server(authenticate=authenticate_by_name)) as link:
        yield link


async def start_worker(link: Link, **options: object) -> WebSocketClient:
    return await link.connect("service:worker", **options)


async def status_of(link: Link, job_id: str) -> str | None:
    state = await link.server.job_state(job_id)
    return None if state is None else state.error_code or state.status


async def test_a_server_that_freezes_is_left_after_five_silent_seconds(
    link: Link, longwire_clock: ManualClock
) -> None:
    worker = await start_worker(link)
    async with worker.start_job(job_id="1") as job:
        link.freeze(worker)
        await job.output("into the void")
        await longwire_clock.advance(4.9)
        assert worker.is_connected
        await longwire_clock.advance(0.2)  # text waits a moment for more
        assert worker.state is ConnectionState.RECONNECTING
        assert "stopped answering" in str(worker.error)
        link.thaw(worker)
        await longwire_clock.advance(1.0)
        assert worker.is_connected
        await job.complete({"content": "all"})
    state = await link.server.job_state("1")
    assert state is not None
    assert (state.status, state.text) == ("completed", "into the void")


async def test_an_idle_job_detects_a_dead_link_within_its_lease(
    link: Link, longwire_clock: ManualClock
) -> None:
    worker = await start_worker(link)
    async with worker.start_job(job_id="1"):
        await longwire_clock.advance(1.0)
        link.freeze(worker)
        await longwire_clock.advance(10.0)
        assert worker.state is ConnectionState.RECONNECTING
        link.thaw(worker)
        await longwire_clock.advance(DEFAULT_LEASE)
        assert await status_of(link, "1") == "running"


@pytest.mark.parametrize(("lease", "silence"), [(300.0, 5.0), (6.0, 2.0), (0.3, 1.0)])
async def test_the_shortest_lease_decides_how_long_to_wait(
    link: Link, longwire_clock: ManualClock, lease: float, silence: float
) -> None:
    worker = await start_worker(link)
    async with Job(worker, "1", lease=lease) as job:
        await longwire_clock.advance(2.5)
        link.freeze(worker)
        await job.output("x")
        await longwire_clock.advance(silence - 0.1)
        assert worker.is_connected
        # An acknowledgement shortly before may have delayed the check by half of the time.
        await longwire_clock.advance(0.1 + silence / 2)
        assert not worker.is_connected
        link.thaw(worker)
        await longwire_clock.advance(1.0)


async def test_without_jobs_only_the_heartbeat_ends_a_connection(
    link: Link, longwire_clock: ManualClock
) -> None:
    worker = await start_worker(link)
    async with worker.start_job(job_id="1"):
        pass
    link.freeze(worker)
    published = worker.publish(JobLease(job_id="2", expires_in=1.0))
    await longwire_clock.advance(30.0)
    assert worker.is_connected
    link.thaw(worker)
    await published


async def test_a_server_that_waits_for_its_broker_is_not_left(
    link: Link, longwire_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await start_worker(link)
    async with worker.start_job(job_id="1") as job:
        is_back = asyncio.Event()
        publish = link.server.broker.publish

        async def wait_and_publish(*args: object, **options: object) -> object:
            await is_back.wait()
            return await publish(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(link.server.broker, "publish", wait_and_publish)
        await job.output("late")
        await longwire_clock.advance(30.0)
        assert worker.is_connected
        is_back.set()
    assert worker.health.drops == 0


async def test_a_job_caps_the_backoff_at_a_third_of_its_lease(
    link: Link, longwire_clock: ManualClock
) -> None:
    worker = await start_worker(link)
    async with worker.start_job(job_id="1"):
        link.refuse(worker)
        link.cut(worker)
        for _ in range(5):
            await longwire_clock.advance(60.0)
            link.accept(worker)
            await longwire_clock.advance(DEFAULT_LEASE / 3)
            assert worker.is_connected
            link.refuse(worker)
            link.cut(worker)
        link.accept(worker)
        await longwire_clock.advance(DEFAULT_LEASE / 3)
