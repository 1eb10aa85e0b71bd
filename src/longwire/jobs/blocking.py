"""A job seen from a worker thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from longwire.catalog import OutputType
    from longwire.jobs.job import Job


class BlockingJob:
    """The calls of a `Job`, made from another thread; each blocks until it is done.

        await asyncio.to_thread(crunch, job.blocking)

    A thread cannot be cancelled: work that takes long looks at `cancel_requested` now and then.
    """

    __slots__ = ("_job", "_loop")

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        self._job = job
        self._loop = loop

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._job.cancel_requested

    def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Say how far the work is; see `Job.progress`."""
        self._call(self._job.progress(progress, step, estimated_completion=estimated_completion))

    def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Stream a piece of text; see `Job.output`."""
        self._call(self._job.output(chunk, type, is_complete=is_complete))

    def _call(self, call: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(call, self._loop).result()
