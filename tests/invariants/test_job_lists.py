"""A list of jobs reads only what it shows, for any amount of job output."""

from __future__ import annotations

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.catalog import JobCreated, JobOutput, JobProgress
from longwire.log.publication import History
from longwire.types import Position

JOBS = 10
CHUNK = "x" * 10_000


class CountingBroker(MemoryBroker):
    """Records the events that are read from the logs of jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    async def read(self, room: str, since: Position | None = None, **options: bool) -> History:
        history = await super().read(room, since, **options)
        self.events += [publication.event for publication in history.publications]
        return history


async def write(server: Server, job_id: str) -> None:
    await server.publish(JobOutput(job_id=job_id, chunk=CHUNK))
    await server.publish(JobProgress(job_id=job_id, progress=50, current_step="half"))
    await server.publish(JobOutput(job_id=job_id, chunk=CHUNK))


async def test_a_list_reads_no_output_and_nothing_twice() -> None:
    broker = CountingBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        for number in range(JOBS):
            await server.publish(JobCreated(job_id=f"{number}"))
            await write(server, f"{number}")
        broker.events.clear()
        assert [state.progress for state in await server.jobs()] == [50.0] * JOBS
        assert sorted(broker.events) == ["job:created"] * JOBS + ["job:progress"] * JOBS
        broker.events.clear()
        await write(server, "1")
        await server.jobs()
        assert broker.events == ["job:progress"]
