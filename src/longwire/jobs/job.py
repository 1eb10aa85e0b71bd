"""A piece of work that people can watch: `async with Job(host, …) as job`."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
from msgspec.structs import replace

from longwire.catalog import (
    CATALOG,
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatusChanged,
)
from longwire.clock import clock
from longwire.errors import InvalidEvent, JobFinished
from longwire.jobs.blocking import BlockingJob
from longwire.jobs.delivery import Delivery
from longwire.jobs.failure import describe
from longwire.jobs.lease import DEFAULT_LEASE, Lease
from longwire.jobs.rollup import Outgoing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from types import TracebackType

    from longwire.catalog import OutputType
    from longwire.jobs.host import JobHost
    from longwire.schema import Event

# Characters of output that may wait for a slow host before `output` makes the worker wait too.
MAX_PENDING_OUTPUT: Final = 1_000_000

# Seconds that a worker which was stopped from outside still has to say so.
LAST_WORDS: Final = 5.0

_current: ContextVar[Job | None] = ContextVar("longwire_job", default=None)


def current_job() -> Job | None:
    """Return the job in whose `async with` body this code runs, or `None`.

    Tasks and threads (`asyncio.to_thread`) started in the body see it too.
    """
    return _current.get()


class Job:
    """A running job: what its worker says here is what everyone who watches it sees.

        async with server.job(owner="u1", title="Write the report") as job:
            await job.progress(10, "Reading sources")
            await job.output("It was a dark night.", type="writing")
            await job.complete({"content": "…"}, cost=0.12)

    Entering publishes `job:created`, `job:status` running and the first `job:lease`. Exactly one
    terminal event ends it:

    - `complete()`, or the end of the body without it (an empty result): `job:completed`;
    - an exception: `job:failed` (see `failure.describe`), and the exception goes on to the caller;
    - `job:cancel` or `cancel()`: the task that runs the body is cancelled, the job ends as
      `job:status` cancelled, and the `CancelledError` ends with the `async with`, where `cancelled`
      is then true. A body that catches it and calls `complete()` or raises ends so instead;
    - a cancellation from elsewhere (a server that stops, a timeout around the body): `job:failed`
      with the code `interrupted`, retryable, and the `CancelledError` goes on.

    Who watches, or stops watching, changes nothing. Events go out in the order of the calls.
    `progress` and `output` return when the event is queued; `flush` waits until all is published.
    While the host is slow, text rolls up, only the newest progress is kept, and `output` waits when
    `MAX_PENDING_OUTPUT` characters are unpublished. A host that refuses an event makes the next
    call raise what it said.

    Not for other threads: give those `job.blocking`.

    Args:
        host: a `Server` or a `WebSocketClient`.
        job_id: the job's name; a random one by default.
        owner: the user whose job it is; without one, everyone signed in may watch it.
        title: what a person calls it.
        attempt: which run of the same job this is, from 1.
        lease: seconds of silence after which others may declare the worker lost.
        progress_interval: seconds between two progress events; the newest always goes out.
    """

    __slots__ = (
        "__weakref__",
        "_body",
        "_cancel_sent",
        "_created",
        "_delivery",
        "_forget_cancel",
        "_has_ended",
        "_highest",
        "_host",
        "_is_open",
        "_is_over",
        "_lease",
        "_loop",
        "_outgoing",
        "_prior_cancels",
        "_reason",
        "_started",
        "_token",
        "cancel_requested",
        "cancelled",
        "id",
    )

    def __init__(
        self,
        host: JobHost,
        job_id: str | None = None,
        owner: str | None = None,
        title: str | None = None,
        *,
        attempt: int = 1,
        lease: float = DEFAULT_LEASE,
        progress_interval: float = 0.0,
    ) -> None:
        self.id = secrets.token_hex(6) if job_id is None else job_id
        self.cancelled = False
        self.cancel_requested = False
        self._created = JobCreated(job_id=self.id, title=title, owner=owner, attempt=attempt)
        self._host = host
        self._lease = lease
        self._outgoing = Outgoing(self.id, progress_interval)
        self._cancel_sent = False
        self._reason: str | None = None
        self._is_open = False
        self._is_over = asyncio.Event()
        self._is_over.set()
        self._has_ended = False
        self._highest = 0.0

    @property
    def room(self) -> str:
        """The room whose log is this job's story."""
        return f"job:{self.id}"

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return self._loop.time() - self._started

    @property
    def blocking(self) -> BlockingJob:
        """The same job for a worker thread."""
        return BlockingJob(self, self._loop)

    async def progress(
        self, progress: float, step: str = "", *, estimated_completion: float | None = None
    ) -> None:
        """Say how far the work is.

        Args:
            progress: percent, 0 to 100. It never goes back: for a smaller one the highest so far
                goes out.
            step: what is being done.
            estimated_completion: seconds that are still needed.

        Raises:
            InvalidEvent: the progress is no number from 0 to 100.
            JobFinished: the job has ended.
        """
        event = JobProgress(
            job_id=self.id,
            progress=progress,
            current_step=step,
            estimated_completion=estimated_completion,
        )
        _check(event)
        self._highest = max(self._highest, progress)
        self._say(replace(event, progress=self._highest))
        await asyncio.sleep(0)  # lets the event go out before a worker that never waits goes on

    async def output(
        self, chunk: str, type: OutputType | None = None, *, is_complete: bool = False
    ) -> None:
        """Stream a piece of text.

        Args:
            chunk: the text; concatenated, the chunks are the job's output.
            type: what kind of text it is: `thinking`, `writing`, `tool_call`, or plain.
            is_complete: whether it is the last piece of this text.

        Raises:
            InvalidEvent: the chunk is no text, or the type is unknown.
            JobFinished: the job has ended.
        """
        self._check_open()
        _check_text(chunk)
        _check(JobOutput(job_id=self.id, chunk=chunk, is_complete=is_complete, type=type))
        self._outgoing.put_output(chunk, type, is_complete, self._loop.time())
        self._delivery.notify()
        if self._outgoing.pending > MAX_PENDING_OUTPUT:
            await self._delivery.wait_below(MAX_PENDING_OUTPUT)
        else:
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Wait until everything said so far is published."""
        await self._delivery.drain()

    async def complete(
        self, result: JobResult | Mapping[str, Any] | None = None, cost: float = 0.0
    ) -> None:
        """End the job well, and wait until that is published.

        Args:
            result: what the job made.
            cost: what it cost, in the application's unit.

        Raises:
            InvalidEvent: the result or the cost does not fit; the job goes on.
            JobFinished: the job has ended.
        """
        event = JobCompleted(
            job_id=self.id, result=_checked_result(result), cost=cost, duration=self.elapsed
        )
        await self._end(event)

    async def fail(self, error: str, *, error_code: str | None = None, retryable: bool) -> None:
        """End the job as failed without an exception, and wait until that is published.

        Raises:
            JobFinished: the job has ended.
        """
        await self._end(
            JobFailed(job_id=self.id, error=error, error_code=error_code, retryable=retryable)
        )

    def cancel(self, reason: str | None = None) -> None:
        """Stop the job, as the event `job:cancel` does. On the event loop's thread only."""
        if self.cancel_requested or self._has_ended:
            return
        self.cancel_requested = True
        self._reason = reason
        if self._is_open:
            self._cancel_body()

    def interrupt(self) -> Awaitable[None]:
        """Stop the body as a cancellation from elsewhere does; awaited, wait until that is said.

        For a host that is about to stop. The wait is `LAST_WORDS` seconds at most, and none for a
        job that is not under way, or runs in the task that calls.
        """
        if not self._is_open:
            return self._until_over()
        if self._body is asyncio.current_task():
            return asyncio.sleep(0)
        self._body.cancel()
        return self._until_over()

    async def _until_over(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._is_over.wait()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        body = asyncio.current_task()
        if body is None:  # a coroutine stepped by hand has no task that job:cancel could stop
            raise RuntimeError("a job needs a running task")
        self._body = body
        self._is_over.clear()
        self._prior_cancels = body.cancelling()
        self._delivery = Delivery(
            self._host, self._outgoing, Lease(self._lease, self._started), self.id
        )
        self._open()
        try:
            self._delivery.start()
            await self._delivery.drain()
        except BaseException:
            self._forget_cancel()
            await self._delivery.stop()
            self._is_over.set()
            raise
        self._token: Token[Job | None] = _current.set(self)
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
        self._is_open = False
        self._forget_cancel()
        _current.reset(self._token)
        was_own = await self._take_back_cancel(error)
        swallow = was_own and isinstance(error, asyncio.CancelledError)
        try:
            await self._close(error)
        except Exception as refused:
            if error is None or swallow:
                raise
            error.add_note(f"The end of job {self.id} could not be published: {refused}")
        finally:
            await self._delivery.stop()
            self._is_over.set()
        return swallow

    def _open(self) -> None:
        now = self._loop.time()
        _check(self._created)
        self._outgoing.put(self._created, now)
        self._outgoing.put(JobStatusChanged(job_id=self.id, status="running"), now)
        self._outgoing.put(JobLease(job_id=self.id, expires_in=self._lease), now)
        self._forget_cancel = self._host.on_cancel(self.id, self._receive_cancel)

    def _receive_cancel(self, event: JobCancel) -> None:
        self.cancel(event.reason)

    def _cancel_body(self) -> None:
        self._cancel_sent = True
        self._body.cancel()

    async def _take_back_cancel(self, error: BaseException | None) -> bool:
        """Undo our own cancellation of the task; tell whether it was the only one."""
        if not self._cancel_sent:
            return False
        is_only = self._body.uncancel() <= self._prior_cancels
        if not isinstance(error, asyncio.CancelledError):
            # The body ended before it could be delivered: take delivery here, so that it does
            # not hit whatever the caller awaits next.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if not is_only:
                    raise
        return is_only

    async def _close(self, error: BaseException | None) -> None:
        if self._has_ended:
            return
        if isinstance(error, asyncio.CancelledError | None) and self.cancel_requested:
            self.cancelled = True
            await self._end(
                JobStatusChanged(job_id=self.id, status="cancelled", message=self._reason)
            )
        elif error is None:
            await self.complete()
        else:
            failure = describe(error)
            stopped = not isinstance(error, Exception)
            async with asyncio.timeout(LAST_WORDS if stopped else None):
                await self.fail(
                    failure.error, error_code=failure.error_code, retryable=failure.retryable
                )

    async def _end(self, event: Event) -> None:
        self._say(event)
        self._has_ended = True
        await self._delivery.drain()

    def _say(self, event: Event) -> None:
        self._check_open()
        _check(event)
        self._outgoing.put(event, self._loop.time())
        self._delivery.notify()

    def _check_open(self) -> None:
        if self._has_ended:
            raise JobFinished(self.id)
        if self._delivery.failure is not None:
            raise self._delivery.failure


def _check(event: Event) -> None:
    # The host validates once more what it sends; this raises while the caller can still be blamed.
    CATALOG.encode(event, int(clock.time() * 1000))


def _check_text(chunk: object) -> None:
    if not isinstance(chunk, str):  # bytes would be encoded, as base64
        raise InvalidEvent("job:output", "$.chunk", f"Expected `str`, got `{type(chunk).__name__}`")


def _checked_result(result: JobResult | Mapping[str, Any] | None) -> JobResult:
    if isinstance(result, JobResult):
        return result
    try:
        return msgspec.convert(dict(result or {}), JobResult)
    except msgspec.ValidationError as error:
        raise InvalidEvent("job:completed", "$.result", str(error)) from error
