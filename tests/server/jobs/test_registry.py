"""The states and listings of a server's jobs."""

from __future__ import annotations

import asyncio

from longwire import Server, anonymous
from longwire.broker import MemoryBroker, MemoryLimits
from longwire.catalog import Announcement, JobCancel, JobCreated
from longwire.log.room_log import DEFAULT_SLICE_FRAMES


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
