"""Workers in a process of their own, and a reader that sees what became of their jobs.

The process runs jobs, each over a connection of its own, until its standard input is closed; then
they complete with the number of pieces that they wrote.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Self

from longwire import WebSocketClient
from longwire.catalog import JobCompleted, JobFailed, JobProgress
from longwire.tokens import issue_token
from tests.serving import SECRET, ServerProcess

OWNER = "ada"


def job_id(number: int) -> str:
    return f"live-{number}"


class WorkerProcess:
    """A process with live workers.

    Args:
        url: the server, or a proxy before it.
        token: a service's token.
        count: the number of jobs.
        lease: seconds of each job's lease.
        pause: seconds between two pieces of one job.
    """

    def __init__(self, url: str, token: str, count: int, lease: float, pause: float = 0.2) -> None:
        arguments = [url, token, str(count), str(lease), str(pause)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.workers", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    async def finish(self) -> str:
        """Let all jobs complete; return what the process wrote, which is only errors."""
        written, _ = await asyncio.to_thread(self._process.communicate)
        return written

    def kill(self) -> None:
        """Kill the process, if it is running."""
        self._process.kill()
        self._process.communicate()


class Reader:
    """Follows jobs over a connection of its own, as their owner.

    Attributes:
        steps: the newest step of each job.
        failures: every `job:failed`, as (job, error code).
        completed: the jobs that completed.
    """

    def __init__(self, url: str, jobs: list[str]) -> None:
        self.steps: dict[str, int] = dict.fromkeys(jobs, -1)
        self.failures: list[tuple[str, str | None]] = []
        self.completed: set[str] = set()
        self._client = WebSocketClient(
            url, token=issue_token(SECRET, OWNER), reconnection_delay_max=0.5, proxy=None
        )
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self._client.connect()
        for job in self.steps:
            self._client.on(JobProgress, self._receive_progress, room=f"job:{job}")
            self._client.on(JobFailed, self._receive_failure, room=f"job:{job}")
            self._client.on(JobCompleted, self._receive_completion, room=f"job:{job}")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.disconnect()

    def join(self) -> None:
        """Join the jobs' rooms, which their owner may do once they exist."""
        for job in self.steps:
            self._client.join_room(f"job:{job}")

    async def wait_for(self, predicate: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(predicate)

    async def advance(self, count: int = 3) -> None:
        """Wait until every job has gone some steps further."""
        wanted = {job: step + count for job, step in self.steps.items()}
        await self.wait_for(lambda: all(self.steps[job] >= wanted[job] for job in wanted))

    async def is_whole(self, job: str) -> bool:
        """Return whether a job completed with its worker's result and all of its text."""
        async with self._client.job(job) as tracker:
            result = await tracker.result()
            pieces = range(int(result.content or -1))
            return tracker.state.text == "".join(f"[{number}]" for number in pieces)

    async def _receive_progress(self, event: JobProgress) -> None:
        self.steps[event.job_id] = int(event.current_step)
        await self._notify()

    async def _receive_failure(self, event: JobFailed) -> None:
        self.failures.append((event.job_id, event.error_code))
        await self._notify()

    async def _receive_completion(self, event: JobCompleted) -> None:
        self.completed.add(event.job_id)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def state_of(server: ServerProcess, job: str) -> dict[str, Any]:
    answer = await server.request("GET", f"/api/jobs/{job}", token=server.token(OWNER))
    return answer.json()


async def run_job(
    url: str, token: str, id: str, lease: float, pause: float, stop: asyncio.Event
) -> None:
    async with (
        WebSocketClient(url, token=token, proxy=None) as client,
        client.start_job(job_id=id, owner=OWNER, lease=lease) as job,
    ):
        pieces = 0
        while not stop.is_set():
            await job.output(f"[{pieces}]")
            await job.progress(0, str(pieces))
            pieces += 1
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                pass
        await job.complete({"content": str(pieces)})


async def run_jobs(url: str, token: str, count: int, lease: float, pause: float) -> None:
    stop = asyncio.Event()
    jobs = [run_job(url, token, job_id(n), lease, pause, stop) for n in range(count)]
    running = asyncio.gather(*jobs, return_exceptions=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    for number, outcome in enumerate(await running):
        if outcome is not None:
            print(job_id(number), repr(outcome))


if __name__ == "__main__":
    url, token, count, lease, pause = sys.argv[1:]
    asyncio.run(run_jobs(url, token, int(count), float(lease), float(pause)))
