"""Publishes a job's events from a task of its own: in order, each once, with retries."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from longwire.catalog import JobLease
from longwire.errors import BrokerUnavailable
from longwire.jobs.host import JobHost
from longwire.jobs.lease import Lease
from longwire.jobs.rollup import Outgoing
from longwire.schema import Event

RETRY_FOR: Final = 240.0
"""Seconds for which an event is retried. Servers remember publish ids for five minutes: after that,
a retry of an event whose first attempt did arrive would append it a second time."""

# Seconds between two attempts: soon after a short interruption, less often in a long outage.
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0


class Delivery:
    """Publishes a job's outgoing events one at a time, and a lease when there is nothing else.

    While the host is unavailable, an event is retried with the same id, so it is appended once;
    later events wait in `outgoing`, where they roll up. If the host refuses an event, delivery
    ends: `failure` is set, and waiting callers raise it.

    Args:
        host: publishes the events.
        outgoing: the queue of events, shared with the job.
        lease: when the next sign of life is due.
        job_id: the job.
        retry_for: seconds for which an event is retried.
    """

    def __init__(
        self,
        host: JobHost,
        outgoing: Outgoing,
        lease: Lease,
        job_id: str,
        *,
        retry_for: float = RETRY_FOR,
    ) -> None:
        self._host = host
        self._outgoing = outgoing
        self._lease = lease
        self._job_id = job_id
        self._retry_for = retry_for
        self._run = secrets.token_hex(8)  # makes the publish ids of this run unique
        self._published = 0
        self._is_sending = False
        self._sleeps_until = float("-inf")
        self._wake = asyncio.Event()
        self._turn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
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
        now = asyncio.get_running_loop().time
        try:
            while True:
                event = self._outgoing.take(now())
                if event is not None:
                    await self._publish(event)
                elif self._lease.is_due(now()):
                    await self._publish(
                        JobLease(job_id=self._job_id, expires_in=self._lease.duration)
                    )
                else:
                    await self._sleep()
                self._end_turn()
        except Exception as error:
            self.failure = error
            self._end_turn()

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
        while True:
            try:
                await self._host.publish(event, id=id)
                break
            except BrokerUnavailable:
                if now() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._is_sending = False
        self._lease.renew(now())

    def _end_turn(self) -> None:
        """Wake the callers of `_wait_until`, which check their conditions and may wait again."""
        self._turn.set()
        self._turn = asyncio.Event()
