"""Publishes a job's events from a task of its own: in order, each once, with retries."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
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
        self._is_sending = False
        self._has_begun = False
        self._sleeps_until = float("-inf")
        self._wake = asyncio.Event()
        self._turn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.attempt = attempt
        self.failure: Exception | None = None

    def start(self) -> None:
        """Start the task that publishes."""
        self._task = asyncio.create_task(self._deliver(), name=f"longwire job {self._job_id}")

    def notify(self) -> None:
        """Wake the task if the newest event in `outgoing` is due before it would wake by itself."""
        deadline = self._outgoing.next_deadline()
        if deadline is not None and deadline < self._sleeps_until:
            self._wake.set()

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
        await self._wait_until(lambda: not self._outgoing and not self._is_sending)

    async def stop(self) -> None:
        """End the task. Unpublished events are dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _wait_until(self, is_done: Callable[[], bool]) -> None:
        while self.failure is None and not is_done():
            await self._turn.wait()
        if self.failure is not None:
            raise self.failure

    async def _deliver(self) -> None:
        event: Event | None = None
        now = asyncio.get_running_loop().time
        try:
            while not ends_attempt(event):
                event = self._outgoing.take(now())
                if event is None and self._lease.is_due(now()):
                    event = JobLease(job_id=self._job_id, expires_in=self._lease.duration)
                if event is None:
                    await self._sleep()
                else:
                    await self._publish(event)
                self._end_turn()
        except Exception as error:
            is_lost = isinstance(error, StaleAttempt | JobEnded)
            is_refused = not is_lost and not isinstance(error, _UNREACHABLE)
            if event is not None and self._has_begun and is_refused:
                await self._publish_refusal(event, error)
            self.failure = error
            self._end_turn()
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

    async def _sleep(self) -> None:
        deadline = self._outgoing.next_deadline()
        lease = self._lease.next_deadline()
        self._sleeps_until = lease if deadline is None else min(deadline, lease)
        self._wake.clear()
        try:
            async with asyncio.timeout_at(self._sleeps_until):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            self._sleeps_until = float("-inf")  # awake: `notify` has nothing to do

    async def _publish(self, event: Event) -> None:
        self._published += 1
        self._is_sending = True
        id = f"{self._run}:{self._published}"
        now = asyncio.get_running_loop().time
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
        self._is_sending = False
        self._lease.renew(now())

    async def _send(self, event: Event, id: str) -> None:
        if self.attempt is None and isinstance(event, JobCreated):
            self.attempt = await self._host.start_attempt(event, id=id)
        else:
            await self._host.publish(event, id=id, attempt=self.attempt)

    def _end_turn(self) -> None:
        """Wake the callers of `_wait_until`, which check their conditions and may wait again."""
        self._turn.set()
        self._turn = asyncio.Event()
