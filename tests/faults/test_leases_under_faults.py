"""The server is frozen, killed or slow while workers live: none of them is declared lost.

The short forms run with all tests; `make soak` runs the long ones, with a hundred workers.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from longwire import Server
from longwire.broker import open_broker
from longwire.server import jwt_authenticator
from longwire.tokens import issue_token
from tests.faults.workers import Reader, WorkerProcess, job_id, state_of
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import SECRET, ServerProcess, serving


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


BROKERS = ("memory", "sqlite", "redis")
SHORT = Form(workers=6, lease=1.5, away=4.0)

pytestmark = pytest.mark.timeout(60)


@contextmanager
def serve(broker: str, directory: Path) -> Generator[ServerProcess]:
    with ExitStack() as stack:
        if broker == "redis":
            broker = stack.enter_context(RedisServer(directory)).url
        addresses = {"memory": "memory:", "sqlite": f"sqlite:///{directory}/log.db"}
        yield stack.enter_context(ServerProcess(f"--broker={addresses.get(broker, broker)}"))


@asynccontextmanager
async def live_workers(
    url: str, form: Form, watched_url: str | None = None
) -> AsyncGenerator[Reader]:
    """Run workers during the block; afterwards each must end its job well, and none was lost.

    Args:
        url: where the workers connect.
        form: the number of workers, and their lease.
        watched_url: where the reader connects; by default to the same address.
    """
    jobs = [job_id(number) for number in range(form.workers)]
    service = issue_token(SECRET, "worker", service=True)
    pause = 0.2 if form.workers < 20 else 1.0
    with WorkerProcess(url, service, form.workers, form.lease, pause) as workers:
        async with Reader(watched_url or url, jobs) as reader:
            reader.join()
            await reader.advance()
            yield reader
            await reader.advance()
            assert await workers.finish() == ""
            assert [job for job in jobs if not await reader.is_whole(job)] == []
    assert reader.failures == []


async def pass_by(seconds: float) -> None:
    """Let real time pass, which is what a lease measures."""
    await asyncio.sleep(seconds)


@forms(
    SHORT._replace(broker="redis"),
    *(Form(100, 15.0, away, broker=broker) for away in (18.0, 60.0) for broker in BROKERS),
)
async def test_a_frozen_server_loses_no_worker(form: Form, tmp_path: Path) -> None:
    with serve(form.broker, tmp_path) as server:
        async with live_workers(server.url, form):
            server.freeze()
            await pass_by(form.away)
            server.thaw()
            await pass_by(2 * form.lease)


@forms(SHORT, Form(100, 15.0, 60.0), Form(100, 15.0, 120.0))
async def test_a_killed_server_loses_no_worker_when_it_returns(form: Form, tmp_path: Path) -> None:
    with serve(form.broker, tmp_path) as server:
        async with live_workers(server.url, form):
            server.kill()
            await pass_by(form.away)
            await asyncio.to_thread(server.start)
            await pass_by(2 * form.lease)


@forms(Form(6, 1.5, 0.0, old_jobs=1_000), Form(100, 15.0, 0.0, old_jobs=60_000))
async def test_a_slow_restart_loses_no_worker(form: Form, tmp_path: Path) -> None:
    """With a fifth of a processor, reading the old jobs takes longer than a lease."""
    with serve(form.broker, tmp_path) as server:
        for first in range(0, form.old_jobs, 250):
            await finish_old_jobs(server, range(first, first + 250))
        async with live_workers(server.url, form):
            server.stop()
            async with throttled(server, share=0.2):
                await asyncio.to_thread(server.start)
                await pass_by(2 * form.lease)


@forms(Form(6, 3.0, 0.0), Form(100, 15.0, 60.0))
async def test_a_frozen_node_loses_no_worker(form: Form, tmp_path: Path) -> None:
    """A balancer leads the workers to the other node, where they are before their lease ends."""
    with RedisServer(tmp_path) as redis, ServerProcess(f"--broker={redis.url}") as frozen:
        other = Server(
            broker=open_broker(redis.url),
            authenticate=jwt_authenticator(SECRET),
            shared_jobs=True,
            job_survey_interval=form.lease / 5,
        )
        async with (
            serving(other) as url,
            Proxy(frozen.url) as balancer,
            live_workers(balancer.url, form, url) as reader,
        ):
            await pass_by(form.lease)  # the other node watches the leases, too
            frozen.freeze()
            balancer.forward(url)
            async with asyncio.timeout(2 * form.lease + 2):
                await reader.advance()
            await pass_by(form.away + 2 * form.lease)
            frozen.thaw()
            await pass_by(form.lease)


@forms(
    Form(1, 1.5, 0.0, broker="redis"), *(Form(1, 15.0, 0.0, broker=broker) for broker in BROKERS)
)
async def test_each_death_of_a_worker_is_declared_within_its_lease(
    form: Form, tmp_path: Path
) -> None:
    job = job_id(0)
    with serve(form.broker, tmp_path) as server:
        service = server.token("worker", service=True)
        async with Reader(server.url, [job]) as reader:
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
