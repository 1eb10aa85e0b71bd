"""Workers that are suspended in the middle of a job, as processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from longwire import JobState, WebSocketClient
from longwire.catalog import (
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobStatusChanged,
)
from longwire.jobs import fold
from longwire.schema import Event
from tests.redis_server import RedisServer
from tests.serving import ServerProcess

pytestmark = pytest.mark.timeout(60)

LEASE = 1.0

WORKER = """
import asyncio, sys
from longwire import WebSocketClient
from longwire.errors import LongwireError

async def main():
    url, token, name, lease = sys.argv[1:]
    async with WebSocketClient(url, token=token) as client:
        try:
            async with client.start_job(job_id="1", lease=float(lease)) as job:
                for number in range(int(sys.stdin.readline())):
                    await job.output(f"{name}{number};")
                    await job.flush()
                    print(number, flush=True)
                    await asyncio.to_thread(sys.stdin.readline)
                await job.complete({"content": name})
        except LongwireError as error:
            print(error.code, flush=True)
        else:
            print("completed", flush=True)

asyncio.run(main())
"""


class Worker:
    """A process that writes an output for each line that it reads, and then completes the job."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def write(self, outputs: int | None = None) -> str:
        """Tell the worker to continue; return what it reports."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % (outputs or 0))
        await self._process.stdin.drain()
        return (await self._process.stdout.readline()).decode().strip()

    async def report(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


class Watcher:
    """Follows the state of job 1."""

    def __init__(self, client: WebSocketClient) -> None:
        self.state = JobState.initial("1")
        self._changed = asyncio.Event()
        kinds = (JobCreated, JobStatusChanged, JobLease, JobOutput, JobCompleted, JobFailed)
        for kind in kinds:
            client.on(kind, self._receive, room="job:1")

    async def until(self, holds: Callable[[JobState], bool]) -> None:
        while not holds(self.state):
            await self._changed.wait()

    def _receive(self, event: Event) -> None:
        self.state = fold(self.state, event)
        self._changed.set()
        self._changed = asyncio.Event()


class Stage:
    """A server, a watcher, and the workers that a test starts."""

    def __init__(self, server: ServerProcess, watcher: Watcher) -> None:
        self.server = server
        self.watcher = watcher
        self.processes: list[asyncio.subprocess.Process] = []

    async def worker(self, name: str) -> Worker:
        token = self.server.token("worker", service=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORKER, self.server.url, token, name, str(LEASE)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.processes.append(process)
        return Worker(process)


@asynccontextmanager
async def open_stage(*options: str) -> AsyncIterator[Stage]:
    with ServerProcess(*options) as server:
        async with WebSocketClient(server.url, token=server.token("ada", service=True)) as ada:
            watcher = Watcher(ada)
            await ada.join_room("job:1")
            stage = Stage(server, watcher)
            try:
                yield stage
            finally:
                for process in stage.processes:
                    if process.returncode is None:
                        process.kill()
                    await process.wait()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    with ExitStack() as stack:
        brokers = {
            "memory": lambda: "memory:",
            "sqlite": lambda: f"sqlite:///{tmp_path}/log.db",
            "redis": lambda: stack.enter_context(RedisServer()).url,
        }
        async with open_stage(f"--broker={brokers[request.param]()}") as stage:
            yield stage


async def test_a_worker_that_continues_after_another_took_over_is_stopped(stage: Stage) -> None:
    """Its text entered the next attempt, and its result ended it."""
    late = await stage.worker("A")
    assert await late.write(5) == "0"
    late.signal(signal.SIGSTOP)
    await stage.watcher.until(lambda state: state.error_code == "worker_lost")
    worker = await stage.worker("B")
    assert await worker.write(2) == "0"
    late.signal(signal.SIGCONT)
    assert await late.report() == "stale_attempt"
    assert await worker.write() == "1"
    assert await worker.write() == "completed"
    await stage.watcher.until(lambda state: state.is_complete)
    state = stage.watcher.state
    assert (state.attempt, state.status, state.text) == (2, "completed", "B0;B1;")
    assert state.result is not None
    assert state.result.content == "B"


async def test_a_worker_that_continues_before_another_took_over_keeps_its_result(
    stage: Stage,
) -> None:
    worker = await stage.worker("A")
    assert await worker.write(2) == "0"
    worker.signal(signal.SIGSTOP)
    await stage.watcher.until(lambda state: state.error_code == "worker_lost")
    worker.signal(signal.SIGCONT)
    await stage.watcher.until(lambda state: state.is_running)
    assert await worker.write() == "1"
    assert await worker.write() == "completed"
    await stage.watcher.until(lambda state: state.status == "completed")
    assert stage.watcher.state.text == "A0;A1;"
