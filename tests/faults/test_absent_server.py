"""Live workers keep their jobs while the server is suspended, killed or restarted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from longwire import WebSocketClient
from longwire.jobs import JobState
from tests.redis_server import RedisServer
from tests.serving import ServerProcess

WORKERS = 20
LEASE = 1.0

pytestmark = pytest.mark.timeout(60)


class Workers:
    """Clients that run a job each until they are told to complete it.

    Args:
        server: runs the jobs.
        count: how many.
        lease: the lease of each job, in seconds.
    """

    def __init__(self, server: ServerProcess, count: int = WORKERS, lease: float = LEASE) -> None:
        self._server = server
        self._lease = lease
        self._is_done = False
        self._begun = 0
        self._has_begun = asyncio.Event()
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(count)]

    async def _work(self, number: int) -> int:
        token, written = self._server.token("worker", service=True), 0
        async with (
            WebSocketClient(self._server.url, token=token) as client,
            client.start_job(job_id=str(number), lease=self._lease) as job,
        ):
            self._begun += 1
            if self._begun == len(self._tasks):
                self._has_begun.set()
            while not self._is_done:
                await job.output(f"{written};")
                written += 1
                await asyncio.sleep(self._lease / 5)
            await job.complete({"content": str(written)})
        return written

    async def begin(self) -> None:
        await self._has_begun.wait()

    async def finish(self) -> list[JobState]:
        """Complete all jobs; return their states, checked for what the workers wrote."""
        self._is_done = True
        written = await asyncio.gather(*self._tasks)
        token, states = self._server.token("worker", service=True), list[JobState]()
        async with WebSocketClient(self._server.url, token=token) as client:
            for number, count in enumerate(written):
                tracker = client.job(str(number))
                await tracker.result()
                async with tracker:
                    await tracker.result()
                    assert tracker.state.text == "".join(f"{index};" for index in range(count))
                    states.append(tracker.state)
        return states


async def lost_jobs(server: ServerProcess, count: int) -> int:
    """Return how many of the jobs were declared lost at any time; the log keeps that."""
    lost = set[str]()
    async with WebSocketClient(server.url, token=server.token("ada", service=True)) as client:
        client.on_entry(lambda entry: lost.add(entry.room) if entry.event == "job:failed" else None)
        for number in range(count):
            await client.join_room(f"job:{number}")
        for number in range(count):
            await client.job(str(number)).result()
    return len(lost)


async def suspend(server: ServerProcess, seconds: float) -> None:
    server.signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    server.signal(signal.SIGCONT)


async def kill(server: ServerProcess, seconds: float) -> None:
    server.kill()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.start)


Absence = Callable[[ServerProcess, float], Awaitable[None]]


@pytest.fixture(params=["sqlite", "redis"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    if request.param == "sqlite":
        with ServerProcess(f"--broker=sqlite:///{tmp_path}/log.db") as server:
            yield server
    else:
        with RedisServer() as redis, ServerProcess(f"--broker={redis.url}") as server:
            yield server


@pytest.mark.parametrize("absence", [suspend, kill])
async def test_no_live_worker_is_declared_lost_because_the_server_was_away(
    server: ServerProcess, absence: Absence
) -> None:
    """All running jobs failed at the moment when the server continued, with their results."""
    workers = Workers(server)
    await workers.begin()
    await absence(server, 3 * LEASE)
    await asyncio.sleep(3 * LEASE)  # in which leases would run out
    states = await workers.finish()
    assert {state.status for state in states} == {"completed"}
    assert await lost_jobs(server, WORKERS) == 0
