"""A job that runs in a thread, over a synchronous client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from longwire.catalog import JobResult, OutputType
    from longwire.jobs import Job as AsyncJob
    from longwire.sync.loop_thread import LoopThread


class Job:
    """A running job: `with client.start_job(title="Report") as job: job.progress(10, "Reading")`.

    As the asyncio `Job`, with one difference: a thread cannot be cancelled. Work that takes long
    looks at `cancel_requested` now and then and leaves the body; the job then ends as cancelled.

    Attributes:
        id: the job's name.
        room: the room whose log is this job's story.
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
        """Whether somebody asked the job to stop."""
        return self._job.cancel_requested

    @property
    def cancelled(self) -> bool:
        """Whether it ended so."""
        return self._job.cancelled

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return self._job.elapsed

    def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Say how far the work is; see `longwire.jobs.Job.progress`."""
        self._thread.wait(
            self._job.progress, progress, step, estimated_completion=estimated_completion
        )

    def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Stream a piece of text; see `longwire.jobs.Job.output`."""
        self._thread.wait(self._job.output, chunk, type, is_complete=is_complete)

    def flush(self) -> None:
        """Wait until everything said so far is published."""
        self._thread.wait(self._job.flush)

    def complete(
        self, result: JobResult | Mapping[str, Any] | None = None, cost: float = 0.0
    ) -> None:
        """End the job well, and wait until that is published."""
        self._thread.wait(self._job.complete, result, cost)

    def fail(self, error: str, *, error_code: str | None = None, retryable: bool) -> None:
        """End the job as failed, and wait until that is published."""
        self._thread.wait(self._job.fail, error, error_code=error_code, retryable=retryable)

    def cancel(self, reason: str | None = None) -> None:
        """Ask for the job to stop, as the event `job:cancel` does."""
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
        """Stand in for the body on the loop's thread."""
        async with self._job:
            has_begun.set_result(None)
            try:
                await asyncio.shield(self._left)
            except asyncio.CancelledError:
                # A request to cancel: the thread hears of it, and leaves when it looks.
                if self._job.cancel_requested:
                    await self._left
                raise

    async def _end(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self._left.set_exception(error)
        elif error is not None:  # Ctrl-C or an exit: the job was interrupted
            self._work.cancel()
        else:
            self._left.set_result(None)
        outcome = (await asyncio.gather(self._work, return_exceptions=True))[0]
        if isinstance(outcome, Exception) and outcome is not error:
            raise outcome
