"""What a server knows of jobs."""

from __future__ import annotations

import asyncio

from longwire import Server, anonymous
from longwire.broker import MemoryBroker, MemoryLimits
from longwire.catalog import Announcement, JobCancel, JobCreated
from longwire.log.room_log import DEFAULT_SLICE_FRAMES


async def test_a_job_whose_log_began_anew_has_nothing_of_the_old_one() -> None:
    broker = MemoryBroker(limits=MemoryLimits(max_idle_rooms=1))
    async with Server(authenticate=anonymous, broker=broker) as server:
        await server.publish(JobCreated(job_id="1", title="old"))
        assert [state.title for state in await server.jobs()] == ["old"]
        await server.publish(Announcement(message="makes room"), room="global")
        for _ in range(DEFAULT_SLICE_FRAMES + 1):
            await server.publish(JobCancel(job_id="1"))
        assert [state.title for state in await server.jobs()] == [None]


class CountingBroker(MemoryBroker):
    """Counts how often somebody walks through its rooms, which takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.walks = 0
        self.walked = asyncio.Event()

    async def rooms(self, prefix: str) -> list[str]:
        found = await super().rooms(prefix)
        self.walks += 1
        self.walked.set()
        await asyncio.sleep(0)
        return found


async def test_those_who_list_jobs_at_the_same_time_share_it() -> None:
    """Each request for two thousand jobs took 50 ms of its own, and a task for each job."""
    broker = CountingBroker()
    loop = asyncio.get_running_loop()
    async with Server(authenticate=anonymous, broker=broker) as server:
        for number in range(200):
            await server.publish(JobCreated(job_id=str(number)))
        broker.walks, before = 0, len(asyncio.all_tasks())
        started = 0

        def count(loop: asyncio.AbstractEventLoop, coroutine, **options) -> asyncio.Task:
            nonlocal started
            started += 1
            return asyncio.Task(coroutine, loop=loop, **options)

        loop.set_task_factory(count)
        lists = await asyncio.gather(*(server.jobs() for _ in range(100)))
        loop.set_task_factory(None)
        assert {len(states) for states in lists} == {200}
        assert broker.walks == 1
        assert started <= 100 + 50
        assert len(asyncio.all_tasks()) == before


async def test_a_list_of_jobs_has_what_was_published_before_it_was_asked_for() -> None:
    broker = CountingBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        broker.walked.clear()
        first = asyncio.create_task(server.jobs())
        await broker.walked.wait()
        await server.publish(JobCreated(job_id="1"))
        second = asyncio.create_task(server.jobs())
        first.cancel()
        assert [state.job_id for state in await second] == ["1"]


async def test_a_server_that_starts_anew_in_another_loop_lists_its_jobs() -> None:
    server = Server(authenticate=anonymous)

    async def use() -> list[str]:
        async with server:
            await server.publish(JobCreated(job_id="1"))
            return [state.job_id for state in await server.jobs()]

    for _ in range(2):
        assert await asyncio.to_thread(asyncio.run, use()) == ["1"]
