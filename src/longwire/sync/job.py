"""A job that runs in the caller's thread."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from longwire.background import retrieve_exception
from longwire.catalog import JobResult, OutputType
from longwire.jobs import Job as AsyncJob
from longwire.sync.loop_thread import LoopThread


class Job:
    """A running job: `with client.start_job(title="Report") as job: job.progress(10, "Reading")`.

    Like the asyncio `Job`, except that a thread cannot be cancelled. A body that takes long should
    check `cancel_requested` and leave when it is set; the job then ends as cancelled.

    Attributes:
        id: The job's id.
        room: The job's room.
    """

    def __init__(self, thread: LoopThread, job: AsyncJob) -> None:
        self._thread = thread
        self._job = job
        self._work: asyncio.Task[None]
        self._left: asyncio.Future[None]
        self.id = job.id
        self.room = job.room

    @property
    def cancel_requested(self) -> bool:
        """Whether the job was asked to stop."""
        return self._job.cancel_requested

    @property
    def cancelled(self) -> bool:
        """Whether the job has ended as cancelled."""
        return self._job.cancelled

    @property
    def attempt(self) -> int:
        """The number of this run of the job, known once it has begun."""
        return self._job.attempt

    @property
    def elapsed(self) -> float:
        """Seconds since the job started."""
        return self._job.elapsed

    def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Report the progress in percent; see `longwire.jobs.Job.progress`."""
        self._thread.wait(
            self._job.progress, progress, step, estimated_completion=estimated_completion
        )

    def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Publish a chunk of output; see `longwire.jobs.Job.output`."""
        self._thread.wait(self._job.output, chunk, type, is_complete=is_complete)

    def flush(self) -> None:
        """Wait until everything reported so far is published."""
        self._thread.wait(self._job.flush)

    def complete(
        self, result: JobResult | Mapping[str, Any] | None = None, cost: float = 0.0
    ) -> None:
        """End the job successfully, and wait until that is published."""
        self._thread.wait(self._job.complete, result, cost)

    def fail(self, error: str, *, error_code: str | None = None, retryable: bool) -> None:
        """End the job as failed, and wait until that is published."""
        self._thread.wait(self._job.fail, error, error_code=error_code, retryable=retryable)

    def cancel(self, reason: str | None = None) -> None:
        """Ask the job to stop, like the event `job:cancel`."""
        self._thread.call(self._job.cancel, reason)

    def __enter__(self) -> Self:
        self._thread.wait(self._begin)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.wait(self._end, error)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._left = loop.create_future()
        has_begun: asyncio.Future[None] = loop.create_future()
        self._work = loop.create_task(self._run(has_begun), name="longwire job")
        await asyncio.wait((has_begun, self._work), return_when=asyncio.FIRST_COMPLETED)
        if self._work.done():
            await self._work

    async def _run(self, has_begun: asyncio.Future[None]) -> None:
        """Run the asyncio job around the body, which runs in the caller's thread."""
        async with self._job:
            has_begun.set_result(None)
            try:
                await asyncio.shield(self._left)
            except asyncio.CancelledError:
                # A thread cannot be interrupted: wait until the body checks `cancel_requested`.
                if self._job.cancel_requested:
                    await self._left
                raise

    async def _end(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self._left.set_exception(error)
        elif error is not None:  # KeyboardInterrupt or SystemExit: the job was interrupted
            self._work.cancel()
        else:
            self._left.set_result(None)
        outcome = (await asyncio.gather(self._work, return_exceptions=True))[0]
        if self._left.done():  # not awaited if the job was lost before the body ended
            retrieve_exception(self._left)
        if isinstance(outcome, Exception) and outcome is not error:
            raise outcome
