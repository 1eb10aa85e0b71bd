"""What a server knows of jobs."""

from __future__ import annotations

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
