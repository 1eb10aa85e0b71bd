"""The server is frozen, killed or slow while workers live: none of them is declared lost.

The short forms run with all tests; `make soak` runs the long ones, with a hundred workers.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.workers import Reader, WorkerProcess, is_whole, job_id, state_of
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import ServerProcess


class Form(NamedTuple):
    """How many workers, with which lease in seconds, for how long the server is away, and more."""

    workers: int
    lease: float
    away: float
    old_jobs: int = 0
    broker: str = "sqlite"


def forms(short: Form, *long: Form) -> pytest.MarkDecorator:
    """Run a test in its short form, and in the long ones with `-m soak`."""
    marks = [pytest.mark.soak, pytest.mark.timeout(1200)]
    return pytest.mark.parametrize(
        "form",
        [
            pytest.param(short, id="short"),
            *(pytest.param(form, id=f"{form.broker}-{form.away:g}", marks=marks) for form in long),
        ],
    )


BROKERS = ("memory", "sqlite")
SHORT = Form(workers=6, lease=1.5, away=4.0)

pytestmark = pytest.mark.timeout(60)


@asynccontextmanager
async def live_workers(
    server: ServerProcess, form: Form, url: str | None = None
) -> AsyncGenerator[Reader]:
    """Run workers during the block; afterwards each must end its job well, and none was lost.

    Args:
        server: the server that the reader watches.
        form: the number of workers, and their lease.
        url: where the workers connect; by default to the server.
    """
    jobs = [job_id(number) for number in range(form.workers)]
    service = server.token("worker", service=True)
    reader = Reader(server, jobs)
    pause = 0.2 if form.workers < 20 else 1.0
    with WorkerProcess(url or server.url, service, form.workers, form.lease, pause) as workers:
        async with reader:
            reader.join()
            await reader.advance()
            yield reader
            await reader.advance()
            assert await workers.finish() == ""
            await reader.wait_for(lambda: len(reader.completed) == len(jobs))
    assert reader.failures == []
    assert [job for job in jobs if not is_whole(await state_of(server, job))] == []


async def pass_by(seconds: float) -> None:
    """Let real time pass, which is what a lease measures."""
    await asyncio.sleep(seconds)


@forms(
    SHORT,
    *(Form(100, 15.0, away, broker=broker) for away in (18.0, 60.0) for broker in BROKERS),
)
async def test_a_frozen_server_loses_no_worker(form: Form, tmp_path: Path) -> None:
    address = "memory:" if form.broker == "memory" else f"sqlite:///{tmp_path}/log.db"
    with ServerProcess(f"--broker={address}") as server:
        async with live_workers(server, form):
            server.freeze()
            await pass_by(form.away)
            server.thaw()
            await pass_by(2 * form.lease)


@forms(SHORT, Form(100, 15.0, 60.0), Form(100, 15.0, 120.0))
async def test_a_killed_server_loses_no_worker_when_it_returns(form: Form, tmp_path: Path) -> None:
    with ServerProcess(f"--broker=sqlite:///{tmp_path}/log.db") as server:
        async with live_workers(server, form):
            server.kill()
            await pass_by(form.away)
            await asyncio.to_thread(server.start)
            await pass_by(2 * form.lease)


@forms(Form(6, 1.5, 0.0, old_jobs=1_000), Form(100, 15.0, 0.0, old_jobs=60_000))
async def test_a_slow_restart_loses_no_worker(form: Form, tmp_path: Path) -> None:
    """With a fifth of a processor, reading the old jobs takes longer than a lease."""
    with ServerProcess(f"--broker=sqlite:///{tmp_path}/log.db") as server:
        for first in range(0, form.old_jobs, 250):
            await finish_old_jobs(server, range(first, first + 250))
        async with live_workers(server, form):
            server.stop()
            async with throttled(server, share=0.2):
                await asyncio.to_thread(server.start)
                await pass_by(2 * form.lease)


@forms(SHORT, Form(100, 15.0, 60.0))
async def test_a_frozen_node_loses_no_worker(form: Form, tmp_path: Path) -> None:
    """A balancer leads the workers to the other node, where they are before their lease ends."""
    with (
        RedisServer(tmp_path) as redis,
        ServerProcess(f"--broker={redis.url}") as a,
        ServerProcess(f"--broker={redis.url}") as b,
    ):
        async with Proxy(a.url) as balancer, live_workers(b, form, balancer.url) as reader:
            a.freeze()
            balancer.forward(b.url)
            async with asyncio.timeout(2 * form.lease + 2):
                await reader.advance()
            await pass_by(form.away + 2 * form.lease)
            a.thaw()
            await pass_by(2 * form.lease)


@forms(
    Form(1, 1.5, 0.0, broker="redis"), *(Form(1, 15.0, 0.0, broker=broker) for broker in BROKERS)
)
async def test_each_death_of_a_worker_is_declared_within_its_lease(
    form: Form, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as redis:
        addresses = {
            "memory": "memory:",
            "sqlite": f"sqlite:///{tmp_path}/log.db",
            "redis": redis.url,
        }
        address = addresses[form.broker]
        with ServerProcess(f"--broker={address}") as server:
            job, service = job_id(0), server.token("worker", service=True)
            async with Reader(server, [job]) as reader:
                reader.join()
                for attempt in (1, 2, 3):
                    reader.steps[job] = -1
                    with WorkerProcess(server.url, service, 1, form.lease) as workers:
                        await reader.advance()
                        workers.kill()
                        async with asyncio.timeout(form.lease + 1.5):
                            await reader.wait_for(lambda n=attempt: len(reader.failures) == n)
                    state = await state_of(server, job)
                    assert (state["attempt"], state["errorCode"]) == (attempt, "worker_lost")


async def finish_old_jobs(server: ServerProcess, numbers: range) -> None:
    """Publish jobs that have ended, of four events each."""
    ids = [f"old-{number}" for number in numbers]
    running = {"status": "running"}
    output = {"chunk": "words " * 50, "isComplete": True}
    end = {"result": {"content": "x"}, "cost": 0.0, "duration": 1.0}
    for event, data in (
        ("job:created", {"title": "Report", "owner": "u1"}),
        ("job:status", running),
        ("job:output", output),
        ("job:completed", end),
    ):
        batch = [{"event": event, "data": {"jobId": id} | data} for id in ids]
        answer = await server.request("POST", "/api/publish", batch)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def throttled(server: ServerProcess, share: float) -> AsyncGenerator[None]:
    """Give a server only a share of a processor, as the quota of a container does."""

    async def throttle() -> None:
        while True:
            for number, seconds in (
                (signal.SIGCONT, 0.1 * share),
                (signal.SIGSTOP, 0.1 * (1 - share)),
            ):
                if server.pid is not None:
                    os.kill(server.pid, number)
                await pass_by(seconds)

    throttling = asyncio.create_task(throttle())
    try:
        yield
    finally:
        throttling.cancel()
        await asyncio.gather(throttling, return_exceptions=True)
        server.thaw()
