"""Live workers keep their jobs while the server is suspended, killed or restarted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from longwire import Server, WebSocketClient
from longwire.broker import open_broker
from longwire.jobs import JobState
from longwire.server import jwt_authenticator
from longwire.tokens import issue_token
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import SECRET, ServerProcess, serving

WORKERS = 20
LEASE = 1.0
TOKEN = issue_token(SECRET, "worker", service=True)

pytestmark = pytest.mark.timeout(60)


class Workers:
    """Clients that run a job each until they are told to complete it.

    Args:
        url: of the server.
        count: how many.
        lease: the lease of each job, in seconds.
    """

    def __init__(self, url: str, count: int = WORKERS, lease: float = LEASE) -> None:
        self._url = url
        self._lease = lease
        self._is_done = False
        self._begun = 0
        self._has_begun = asyncio.Event()
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(count)]

    async def _work(self, number: int) -> int:
        written = 0
        async with (
            WebSocketClient(self._url, token=TOKEN) as client,
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
        states = list[JobState]()
        async with WebSocketClient(self._url, token=TOKEN) as client:
            for number, count in enumerate(written):
                tracker = client.job(str(number))
                await tracker.result()
                async with tracker:
                    await tracker.result()
                    assert tracker.state.text == "".join(f"{index};" for index in range(count))
                    states.append(tracker.state)
        return states


async def lost_jobs(url: str, count: int) -> int:
    """Return how many of the jobs were declared lost at any time; the log keeps that."""
    lost = set[str]()
    async with WebSocketClient(url, token=TOKEN) as client:
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
    workers = Workers(server.url)
    await workers.begin()
    await absence(server, 3 * LEASE)
    await asyncio.sleep(3 * LEASE)  # in which leases would run out
    states = await workers.finish()
    assert {state.status for state in states} == {"completed"}
    assert await lost_jobs(server.url, WORKERS) == 0


async def test_no_live_worker_is_declared_lost_because_its_node_was_frozen() -> None:
    """The other node declared all jobs lost whose workers were looking for another node."""
    lease = 3.0  # a client needs a second to detect a dead link
    with RedisServer() as redis, ServerProcess(f"--broker={redis.url}") as frozen:
        other = Server(
            broker=open_broker(redis.url),
            authenticate=jwt_authenticator(SECRET),
            job_survey_interval=0.2,
        )
        async with serving(other) as url, Proxy(frozen.url) as balancer:
            workers = Workers(balancer.url, WORKERS, lease)
            await workers.begin()
            await asyncio.sleep(lease)  # the other node watches the leases, too
            frozen.signal(signal.SIGSTOP)
            balancer.forward(url)
            await asyncio.sleep(2 * lease)
            states = await workers.finish()
            assert {state.status for state in states} == {"completed"}
            assert await lost_jobs(url, WORKERS) == 0
            frozen.signal(signal.SIGCONT)
