"""The states and listings of a server's jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from longwire import CATALOG, Contract, Event, JobState, Server, anonymous
from longwire.broker import MemoryBroker, MemoryLimits, SQLiteBroker
from longwire.catalog import (
    Announcement,
    JobCancel,
    JobCompleted,
    JobCreated,
    JobResult,
    JobStatusChanged,
)
from longwire.log.publication import Draft
from longwire.log.room_log import DEFAULT_SLICE_FRAMES
from longwire.testing import Link, authenticate_by_name


async def test_the_state_of_a_replaced_log_has_nothing_of_the_old_one() -> None:
    broker = MemoryBroker(limits=MemoryLimits(max_idle_rooms=1))
    async with Server(authenticate=anonymous, broker=broker) as server:
        await server.publish(JobCreated(job_id="1", title="old"))
        assert [state.title for state in await server.jobs()] == ["old"]
        await server.publish(Announcement(message="makes room"), room="global")
        for _ in range(DEFAULT_SLICE_FRAMES + 1):
            await server.publish(JobCancel(job_id="1"))
        assert [state.title for state in await server.jobs()] == [None]


class CountingBroker(MemoryBroker):
    """Counts the listings of its rooms, each of which takes a turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.listings = 0
        self.listed = asyncio.Event()

    async def rooms(self, prefix: str) -> list[str]:
        found = await super().rooms(prefix)
        self.listings += 1
        self.listed.set()
        await asyncio.sleep(0)
        return found


async def test_concurrent_listings_of_jobs_are_shared() -> None:
    """Each request for two thousand jobs took 50 ms of its own, and a task for each job."""
    broker = CountingBroker()
    loop = asyncio.get_running_loop()
    async with Server(authenticate=anonymous, broker=broker) as server:
        for number in range(200):
            await server.publish(JobCreated(job_id=str(number)))
        broker.listings, before = 0, len(asyncio.all_tasks())
        started = 0

        def count(loop: asyncio.AbstractEventLoop, coroutine, **options) -> asyncio.Task:
            nonlocal started
            started += 1
            return asyncio.Task(coroutine, loop=loop, **options)

        loop.set_task_factory(count)
        lists = await asyncio.gather(*(server.jobs() for _ in range(100)))
        loop.set_task_factory(None)
        assert {len(states) for states in lists} == {200}
        assert broker.listings == 1
        assert started <= 100 + 50
        assert len(asyncio.all_tasks()) == before


async def test_a_listing_includes_jobs_that_were_published_before_it() -> None:
    broker = CountingBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        broker.listed.clear()
        first = asyncio.create_task(server.jobs())
        await broker.listed.wait()
        await server.publish(JobCreated(job_id="1"))
        second = asyncio.create_task(server.jobs())
        first.cancel()
        assert [state.job_id for state in await second] == ["1"]


async def test_a_server_restarted_in_another_event_loop_lists_its_jobs() -> None:
    server = Server(authenticate=anonymous)

    async def use() -> list[str]:
        async with server:
            await server.publish(JobCreated(job_id="1"))
            return [state.job_id for state in await server.jobs()]

    for _ in range(2):
        assert await asyncio.to_thread(asyncio.run, use()) == ["1"]


class StepDone(Event, name="step:done", room="job:{job_id}"):
    job_id: str
    step: str


class TimedStepDone(Event, name="step:done", room="job:{job_id}"):
    job_id: str
    step: str
    duration: float


@pytest.mark.parametrize(
    ("contract", "warnings"), [(CATALOG, 2), (CATALOG | Contract([TimedStepDone]), 1)]
)
async def test_events_that_the_contract_cannot_decode_are_skipped_and_logged_once(
    tmp_path: Path, contract: Contract, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The next version of an application did not start because of one event in a job's log."""
    broker, old = SQLiteBroker(tmp_path / "logs.db"), CATALOG | Contract([StepDone])
    async with Server(authenticate=anonymous, broker=broker, contract=old) as before:
        for job_id in ("42", "43"):
            await before.publish(JobStatusChanged(job_id=job_id, status="running"))
            await before.publish(StepDone(job_id=job_id, step="load"))
            await broker.publish(f"job:{job_id}", Draft("job:progress", b'{"percent":5}'))
        end = JobCompleted(job_id="42", result=JobResult(), cost=0, duration=1)
        await before.publish(end)
    after = Server(authenticate=authenticate_by_name, broker=broker, contract=contract)
    async with Link(after) as link:
        assert {job.job_id: job.status for job in await after.jobs()} == {
            "42": "completed",
            "43": "running",
        }
        ada = await link.connect("service:ada")
        await ada.join_room("job:42")
        await ada.job("43").cancel()
        assert (await after.job_state("43") or JobState.initial("43")).cancel_requested
    skipped = [record.message for record in caplog.records if "cannot be decoded" in record.message]
    assert len(skipped) == warnings
