"""Publishes a job's events in the background: in order, each once, with retries."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from longwire.catalog import JobCreated, JobFailed, JobLease
from longwire.errors import (
    BrokerUnavailable,
    CallTimeout,
    JobEnded,
    NotConnected,
    StaleAttempt,
)
from longwire.jobs.failure import describe
from longwire.jobs.flusher import Flusher
from longwire.jobs.fold import ends_attempt
from longwire.jobs.host import JobHost
from longwire.jobs.lease import RENEWALS_PER_LEASE, Lease
from longwire.jobs.rollup import Outgoing
from longwire.schema import Event, declaration_of

RETRY_FOR: Final = 240.0
"""Seconds for which an event is retried. Servers remember publish ids for five minutes: after that,
a retry of an event whose first attempt did arrive would append it a second time."""

# Seconds between two attempts: soon after a short interruption, less often in a long outage.
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0

# Seconds in which a worker that was stopped, or whose event was refused, publishes the job's end.
SHUTDOWN_TIMEOUT: Final = 5.0


# The host cannot publish anything, so it cannot publish the end of the job either.
_UNREACHABLE = (BrokerUnavailable, CallTimeout, NotConnected)


class Delivery:
    """Publishes a job's outgoing events one at a time, and a lease when there is nothing else.

    While the host is unavailable, an event is retried with the same id, so it is appended once;
    later events wait in `outgoing`, where they roll up. If the host refuses an event, the job
    fails with that reason and delivery ends: `failure` is set, and waiting callers raise it. After
    the end of the attempt nothing more is published.

    Args:
        host: publishes the events.
        outgoing: the queue of events, shared with the job.
        lease: when the next sign of life is due.
        job_id: the job.
        attempt: the attempt; None for the next one.
        on_lost: called if another worker has taken the job over, or the attempt was ended.
        retry_for: seconds for which an event is retried.

    Attributes:
        attempt: the attempt; None until it has begun, if the caller gave none.
        failure: why delivery has ended.
    """

    def __init__(
        self,
        host: JobHost,
        outgoing: Outgoing,
        lease: Lease,
        job_id: str,
        *,
        attempt: int | None,
        on_lost: Callable[[], None],
        retry_for: float = RETRY_FOR,
    ) -> None:
        self._host = host
        self._outgoing = outgoing
        self._lease = lease
        self._job_id = job_id
        self._on_lost = on_lost
        self._retry_for = retry_for
        self._run = secrets.token_hex(8)  # makes the publish ids of this run unique
        self._published = 0
        self._has_begun = False
        self._is_over = True
        self._is_flushing = False
        self._flushing: asyncio.Task[None] | None = None
        self._wakes_at = float("inf")
        self._lease_timer: asyncio.TimerHandle | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self.attempt = attempt
        self.failure: Exception | None = None

    def start(self) -> None:
        """Start publishing."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._flusher = Flusher.acquire()
        self._is_over = False
        self.notify()

    def notify(self) -> None:
        """Publish the newest event in `outgoing` once it is due."""
        deadline = self._outgoing.next_deadline()
        if deadline is None or self._is_flushing or self._is_over:
            return
        if deadline <= self._loop.time():
            self._flush_soon()
        elif deadline < self._wakes_at:
            self._wakes_at = deadline
            self._flusher.call_at(deadline, self._wake)

    async def wait_below(self, pending: int) -> None:
        """Wait until at most `pending` characters of output are unpublished.

        Raises:
            Exception: the host refused an event.
        """
        await self._wait_until(lambda: self._outgoing.pending <= pending)

    async def drain(self) -> None:
        """Publish everything in `outgoing` without waiting for more text to join it.

        Raises:
            Exception: the host refused an event.
        """
        self._outgoing.seal()
        self.notify()
        await self._wait_until(lambda: not self._outgoing and not self._is_flushing)

    async def stop(self) -> None:
        """Stop publishing. Unpublished events are dropped."""
        self._is_over = True
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        if self._flushing is not None:
            self._flushing.cancel()
        while self._is_flushing:
            await self._wait_for_turn()
        await self._flusher.release()

    async def _wait_until(self, is_done: Callable[[], bool]) -> None:
        while self.failure is None and not is_done():
            await self._wait_for_turn()
        if self.failure is not None:
            raise self.failure

    async def _wait_for_turn(self) -> None:
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def _end_turn(self) -> None:
        """Wake the callers that wait; they check their conditions, and may wait again."""
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _wake(self) -> None:
        self._wakes_at = float("inf")
        self.notify()

    def _check_lease(self) -> None:
        self._lease_timer = None
        if self._lease.is_due(self._loop.time()):
            self._flush_soon()
        else:
            self._await_lease()

    def _await_lease(self) -> None:
        self._lease_timer = self._loop.call_at(self._lease.next_deadline(), self._check_lease)

    def _flush_soon(self) -> None:
        if not self._is_flushing and not self._is_over:
            self._is_flushing = True
            self._flusher.run(self._flush(), self._context)

    async def _flush(self) -> None:
        """Publish everything that is due. There is one such call at a time."""
        self._flushing = asyncio.current_task(self._loop)
        event: Event | None = None
        try:
            while not self._is_over and (event := self._next(self._loop.time())) is not None:
                await self._publish(event)
                if ends_attempt(event):
                    self._is_over = True
                self._end_turn()
        except Exception as error:
            await self._fail(event, error)
        finally:
            self._is_flushing = False
            self._flushing = None
            if not self._is_over:
                self.notify()
                if self._lease_timer is None:
                    self._await_lease()
            self._end_turn()

    def _next(self, now: float) -> Event | None:
        event = self._outgoing.take(now)
        if event is None and self._lease.is_due(now):
            return JobLease(job_id=self._job_id, expires_in=self._lease.duration)
        return event

    async def _fail(self, event: Event | None, error: Exception) -> None:
        """Stop, because the host refused an event or could not be reached."""
        self._is_over = True
        is_lost = isinstance(error, StaleAttempt | JobEnded)
        is_refused = not is_lost and not isinstance(error, _UNREACHABLE)
        if event is not None and self._has_begun and is_refused:
            await self._publish_refusal(event, error)
        self.failure = error
        if is_lost:
            self._on_lost()

    async def _publish_refusal(self, event: Event, error: Exception) -> None:
        """End the job as failed because the host refused one of its events."""
        failure = describe(error)
        name = declaration_of(type(event)).name
        end = JobFailed(
            job_id=self._job_id,
            error=f"The event {name} was refused: {failure.error}",
            error_code=failure.error_code,
            retryable=failure.retryable,
        )
        with suppress(Exception):  # the caller receives the first error
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._send(end, f"{self._run}:refused")

    async def _publish(self, event: Event) -> None:
        self._published += 1
        id = f"{self._run}:{self._published}"
        now = self._loop.time
        deadline, pause = now() + self._retry_for, FIRST_PAUSE
        longest = min(LONGEST_PAUSE, self._lease.duration / RENEWALS_PER_LEASE)
        while True:
            try:
                await self._send(event, id)
                break
            except BrokerUnavailable:
                if now() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
        self._has_begun = True
        self._lease.renew(now())

    async def _send(self, event: Event, id: str) -> None:
        if self.attempt is None and isinstance(event, JobCreated):
            self.attempt = await self._host.start_attempt(event, id=id)
        else:
            await self._host.publish(event, id=id, attempt=self.attempt)
