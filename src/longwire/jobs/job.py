"""`Job`: work whose progress and output clients can watch, and `BlockingJob` for threads."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID
from weakref import WeakSet

from msgspec.structs import replace

from longwire.catalog import (
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobProgress,
    JobResult,
    JobStatusChanged,
    OutputType,
)
from longwire.errors import ConfigurationError, JobFinished
from longwire.jobs.delivery import RETRY_FOR, SHUTDOWN_TIMEOUT, Delivery
from longwire.jobs.failure import describe
from longwire.jobs.host import JobHost
from longwire.jobs.lease import DEFAULT_LEASE, Lease
from longwire.jobs.rollup import Outgoing
from longwire.jobs.validation import (
    check_created,
    check_event,
    check_output,
    check_progress,
    result_of,
)
from longwire.schema import Event

# Characters of output that may wait for a slow host before `output` makes the worker wait too.
MAX_PENDING_OUTPUT: Final = 1_000_000

# Calls of `output` after which the worker gives the event loop a turn, which costs five calls.
CALLS_PER_TURN: Final = 32

# The jobs whose bodies a context is in, outermost first. A job that is left in another context
# than it was entered in, such as that of a generator's reader, stays in the first one.
_entered: ContextVar[tuple[Job, ...]] = ContextVar("longwire_jobs", default=())
_open: WeakSet[Job] = WeakSet()


def current_job() -> Job | None:
    """Return the job in whose `async with` body this code runs, or None.

    Tasks and threads (`asyncio.to_thread`) started in the body see it too.
    """
    return next((job for job in reversed(_entered.get()) if job in _open), None)


class Job:
    """A running job, seen from its worker.

        async with server.job(owner="u1", title="Write the report") as job:
            await job.progress(10, "Reading sources")
            await job.output("It was a dark night.", type="writing")
            await job.complete({"content": "…"}, cost=0.12)

    Entering publishes `job:created`, `job:status` running and the first `job:lease`. Exactly one
    terminal event ends the job:

    - `complete()`, or the end of the body without it (an empty result): `job:completed`;
    - an exception: `job:failed` (see `failure.describe`), and the exception propagates;
    - `job:cancel` or `cancel()`: the task that runs the body is cancelled, the job ends as
      `job:status` cancelled, and the `async with` swallows the `CancelledError` and sets
      `cancelled`. A body that catches it and calls `complete()` or raises ends accordingly;
    - a cancellation from elsewhere (a server that stops, a timeout around the body): `job:failed`
      with the code `interrupted`, retryable, and the `CancelledError` propagates.

    Each run of a job is an *attempt*. If another worker begins the next attempt, or someone else
    ends this one, the body is cancelled and the `async with` raises `StaleAttempt` or `JobEnded`;
    nothing that this worker publishes reaches the log any more.

    A job does not depend on its watchers. Events are published in the order of the calls.
    `progress` and `output` return when the event is queued; `flush` waits until all events are
    published. While the host is slow, text rolls up, only the newest progress is kept, and
    `output` waits when `MAX_PENDING_OUTPUT` characters are unpublished. If the host refuses an
    event, the job fails with that reason, and the next call raises the host's error.

    Not thread-safe: pass `job.blocking` to other threads.

    Args:
        host: a `Server` or a `WebSocketClient`.
        job_id: the job's id; a random one by default.
        owner: the id of the user whose job it is. Whether other users may watch a job without an
            owner depends on the server's `shared_jobs`.
        title: a name for people.
        attempt: the number of this run, from 1, which must follow the last one; None for the
            next. A queued job that no worker has taken keeps its number.
        lease: seconds without any event after which servers declare the worker lost.
        progress_interval: minimum seconds between two progress events; the newest is always sent.
        retry_for: seconds for which an event is retried while the host is unavailable. Below the
            five minutes for which servers remember publish ids, retries cannot duplicate events.

    Attributes:
        id: the job's id.
        cancel_requested: whether the body should stop: the job was cancelled or taken over.
        cancelled: whether it ended as cancelled.
    """

    def __init__(
        self,
        host: JobHost,
        job_id: str | UUID | None = None,
        owner: str | UUID | None = None,
        title: str | None = None,
        *,
        attempt: int | None = None,
        lease: float = DEFAULT_LEASE,
        progress_interval: float = 0.0,
        retry_for: float = RETRY_FOR,
    ) -> None:
        self.id = secrets.token_hex(6) if job_id is None else _text(job_id)
        self.cancelled = False
        self.cancel_requested = False
        number = 1 if attempt is None else attempt
        owner = None if owner is None else _text(owner)
        self._created = JobCreated(job_id=self.id, title=title, owner=owner, attempt=number)
        self._host = host
        self._attempt = attempt
        self._lease = lease
        self._retry_for = retry_for
        self._outgoing = Outgoing(self.id, progress_interval)
        self._delivery: Delivery | None = None
        self._ignore_cancel: Callable[[], None] = _nothing
        self._cancel_sent = False
        self._reason: str | None = None
        self._is_open = False
        self._is_over = asyncio.Event()
        self._is_over.set()
        self._has_ended = False
        self._highest = 0.0
        self._calls = 0

    @property
    def room(self) -> str:
        """The room whose log holds this job's events."""
        return f"job:{self.id}"

    @property
    def attempt(self) -> int:
        """The number of this run of the job, from 1.

        Raises:
            ConfigurationError: the job has not begun.
        """
        attempt = self._attempt if self._delivery is None else self._delivery.attempt
        if attempt is None:
            raise ConfigurationError(f"the attempt of job {self.id!r} is known once it has begun")
        return attempt

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        self._begun()
        return self._loop.time() - self._started

    @property
    def blocking(self) -> BlockingJob:
        """This job for a worker thread."""
        self._begun()
        return BlockingJob(self, self._loop)

    async def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Publish progress.

        Args:
            progress: percent, 0 to 100. Progress never decreases: a lower number is published
                as the highest so far.
            step: the current activity, for people.
            estimated_completion: seconds until the job is expected to end.

        Raises:
            InvalidEvent: `progress` is not a number from 0 to 100.
            JobFinished: the job has ended.
        """
        event = JobProgress(
            job_id=self.id,
            progress=progress,
            current_step=step,
            estimated_completion=estimated_completion,
        )
        check_progress(event)
        delivery = self._check_open()
        self._highest = max(self._highest, progress)
        self._outgoing.put(replace(event, progress=self._highest), self._loop.time())
        delivery.notify()
        await asyncio.sleep(0)  # a worker that never waits would keep the event from going out

    async def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Stream a piece of text.

        Args:
            chunk: the text. The job's output is the concatenation of all chunks.
            type: the kind of text, `thinking`, `writing` or `tool_call`; None for plain output.
            is_complete: whether this chunk ends the text.

        Raises:
            InvalidEvent: the chunk is not valid text, or the type is unknown.
            JobFinished: the job has ended.
        """
        delivery = self._check_open()
        is_plain = chunk.__class__ is str and is_complete is False and chunk.isascii()
        if not is_plain or not self._outgoing.join_output(chunk, type):
            check_output(self.id, chunk, type, is_complete)
            self._outgoing.put_output(chunk, type, is_complete, self._loop.time())
            delivery.notify()
            if self._outgoing.pending > MAX_PENDING_OUTPUT:
                await delivery.wait_below(MAX_PENDING_OUTPUT)
        self._calls += 1
        if self._calls % CALLS_PER_TURN == 0:  # a worker that never waits would block the loop
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Wait until all events so far are published."""
        await self._begun().drain()

    async def complete(
        self, result: JobResult | Mapping[str, Any] | None = None, cost: float = 0.0
    ) -> None:
        """End the job as completed, and wait until that is published.

        Args:
            result: the job's result, also as a dict with the same keys.
            cost: what the job cost, in the application's unit.

        Raises:
            InvalidEvent: the result or the cost is invalid; the job continues.
            JobFinished: the job has ended.
        """
        await self._end(
            JobCompleted(job_id=self.id, result=result_of(result), cost=cost, duration=self.elapsed)
        )

    async def fail(self, error: str, *, error_code: str | None = None, retryable: bool) -> None:
        """End the job as failed without an exception, and wait until that is published.

        Raises:
            InvalidEvent: an argument is invalid; the job continues.
            JobFinished: the job has ended.
        """
        await self._end(
            JobFailed(job_id=self.id, error=error, error_code=error_code, retryable=retryable)
        )

    def cancel(self, reason: str | None = None) -> None:
        """Stop the job, as the event `job:cancel` does. Call it on the event loop's thread."""
        if self.cancel_requested or self._has_ended:
            return
        self.cancel_requested = True
        self._reason = reason
        if self._is_open:
            self._cancel_body()

    def interrupt(self) -> Awaitable[None]:
        """Cancel the body as a cancellation from elsewhere does; await the result to wait for it.

        For hosts that are about to stop. The wait ends when the job's end is published, after
        `SHUTDOWN_TIMEOUT` seconds, or at once if the job is not running or runs in the calling
        task.
        """
        if not self._is_open:
            return self._wait_until_over()
        if self._body is asyncio.current_task():
            return asyncio.sleep(0)
        if self._body.done():  # it was entered by a task that has ended, and is left by another
            return self._leave_without_body()
        self._body.cancel()
        return self._wait_until_over()

    async def _wait_until_over(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._is_over.wait()

    async def _leave_without_body(self) -> None:
        with suppress(Exception):
            await self.__aexit__(None, asyncio.CancelledError(), None)

    async def __aenter__(self) -> Self:
        if self._delivery is not None:
            raise ConfigurationError(f"job {self.id!r} was entered before; create a Job each time")
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        body = asyncio.current_task()
        if body is None:  # a coroutine that is stepped by hand cannot be cancelled by job:cancel
            raise RuntimeError("a job must be entered in an asyncio task")
        self._body = body
        self._prior_cancels = body.cancelling()
        lease = Lease(self._lease, self._started)
        check_created(self._created)
        delivery = self._delivery = Delivery(
            self._host,
            self._outgoing,
            lease,
            self.id,
            attempt=self._attempt,
            on_lost=self._lose,
            retry_for=self._retry_for,
        )
        self._open()
        self._is_over.clear()
        try:
            delivery.start()
            await delivery.drain()
        except BaseException:
            await self._stop(delivery)
            raise
        _entered.set((*_entered.get(), self))
        _open.add(self)
        self._is_open = True
        if self.cancel_requested:
            self._cancel_body()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not self._is_open:
            return False
        delivery = self._begun()
        self._is_open = False
        self._stop_listening()
        _open.discard(self)
        _entered.set(tuple(job for job in _entered.get() if job is not self))
        was_own = await self._absorb_cancel(error)
        swallow = was_own and isinstance(error, asyncio.CancelledError)
        try:
            await self._close(error, delivery)
        except Exception as refused:
            if error is None or swallow:
                raise
            if error is not refused:
                error.add_note(f"The end of job {self.id} could not be published: {refused}")
        finally:
            await self._stop(delivery)
        return swallow

    async def _stop(self, delivery: Delivery) -> None:
        self._stop_listening()
        await delivery.stop()
        self._is_over.set()

    def _open(self) -> None:
        now = self._loop.time()
        self._outgoing.put(self._created, now)
        self._outgoing.put(JobStatusChanged(job_id=self.id, status="running"), now)
        self._outgoing.put(JobLease(job_id=self.id, expires_in=self._lease), now)
        self._ignore_cancel = self._host.on_cancel(self.id, self._receive_cancel)

    def _stop_listening(self) -> None:
        ignore, self._ignore_cancel = self._ignore_cancel, _nothing
        ignore()

    def _receive_cancel(self, event: JobCancel) -> None:
        self.cancel(event.reason)

    def _lose(self) -> None:
        """Stop the body: another worker has taken the job over, or the attempt was ended."""
        self.cancel_requested = True  # what threads check, since they cannot be cancelled
        self._stop_listening()
        if self._is_open:
            self._cancel_body()

    def _cancel_body(self) -> None:
        self._cancel_sent = True
        self._body.cancel()

    async def _absorb_cancel(self, error: BaseException | None) -> bool:
        """Undo the cancellation that this job sent to the body's task, if any.

        Returns True if it was sent and no other cancellation is pending, so that the
        `CancelledError` may be swallowed. As in `asyncio.timeout`, the task's cancel count tells:
        each `Task.cancel()` increments it, `uncancel()` takes back ours, and what remains above
        the count at entry was requested by others, such as a timeout or a task group.
        """
        if not self._cancel_sent or self._body is not asyncio.current_task():
            return False
        is_only = self._body.uncancel() <= self._prior_cancels
        if not isinstance(error, asyncio.CancelledError):
            # The body ended before the task was resumed, so the CancelledError is still to come:
            # `uncancel` lowers the count but does not withdraw it (before Python 3.13). The
            # next await raises it; let that be this one, not the caller's next await.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if not is_only:
                    raise
        return is_only

    async def _close(self, error: BaseException | None, delivery: Delivery) -> None:
        """Publish the terminal event that the end of the body stands for, if none was."""
        was_stopped = not isinstance(error, Exception | None) and not self.cancel_requested
        async with asyncio.timeout(SHUTDOWN_TIMEOUT if was_stopped else None):
            if self._has_ended or delivery.failure is not None:
                await delivery.drain()  # which may have been cancelled; raises the failure
            elif isinstance(error, asyncio.CancelledError | None) and self.cancel_requested:
                self.cancelled = True
                await self._end(
                    JobStatusChanged(job_id=self.id, status="cancelled", message=self._reason)
                )
            elif error is None:
                await self.complete()
            else:
                failure = describe(error)
                await self.fail(
                    failure.error, error_code=failure.error_code, retryable=failure.retryable
                )

    async def _end(self, event: Event) -> None:
        delivery = self._check_open()
        check_event(event)
        self._outgoing.put(event, self._loop.time())
        self._has_ended = True
        await delivery.drain()

    def _begun(self) -> Delivery:
        if self._delivery is None:
            raise ConfigurationError(f"job {self.id!r} has not begun; use `async with job:` first")
        return self._delivery

    def _check_open(self) -> Delivery:
        delivery = self._begun()
        if delivery.failure is not None:
            raise delivery.failure
        if self._has_ended:
            raise JobFinished(self.id)
        return delivery


def _nothing() -> None: ...


def _text(id: str | UUID) -> str:
    return str(id) if isinstance(id, UUID) else id


class BlockingJob:
    """The calls of a `Job`, made from another thread; each blocks until it is done.

        await asyncio.to_thread(crunch, job.blocking)

    A thread cannot be cancelled: code that runs long must check `cancel_requested` regularly.
    """

    __slots__ = ("_job", "_loop")

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        self._job = job
        self._loop = loop

    @property
    def cancel_requested(self) -> bool:
        """Whether the job was asked to stop."""
        return self._job.cancel_requested

    def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Publish progress; see `Job.progress`."""
        self._call(self._job.progress(progress, step, estimated_completion=estimated_completion))

    def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Stream a piece of text; see `Job.output`."""
        self._call(self._job.output(chunk, type, is_complete=is_complete))

    def _call(self, call: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(call, self._loop).result()
