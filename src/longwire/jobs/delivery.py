"""One task a job that publishes what the job has to say: in order, once, and patiently."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from longwire.catalog import JobLease
from longwire.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.jobs.host import JobHost
    from longwire.jobs.lease import Lease
    from longwire.jobs.rollup import Outgoing
    from longwire.schema import Event

# How long an event is tried again. Below the five minutes for which a publish id is remembered:
# later than that, an event whose first try did arrive would be appended twice.
RETRY_FOR: Final = 240.0

# Between tries: quick for a blip, gentle in an outage.
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0


class Delivery:
    """Publishes a job's outgoing events one after the other, and its signs of life.

    An event that the host cannot take now is tried again with the same id, so it is appended
    once. Meanwhile the rest waits in `outgoing`, where it rolls up. An event that the host refuses
    ends the delivery: `failure` is set, and raised to whoever waits.

    Args:
        host: who publishes.
        outgoing: what to publish, shared with the job.
        lease: the job's sign of life.
        job_id: the job.
    """

    __slots__ = (
        "_host",
        "_is_sending",
        "_job_id",
        "_lease",
        "_outgoing",
        "_run",
        "_sleeps_until",
        "_task",
        "_tries",
        "_turn",
        "_wake",
        "failure",
    )

    def __init__(self, host: JobHost, outgoing: Outgoing, lease: Lease, job_id: str) -> None:
        self._host = host
        self._outgoing = outgoing
        self._lease = lease
        self._job_id = job_id
        self._run = secrets.token_hex(8)  # tells this run's publish ids from any other's
        self._tries = 0
        self._is_sending = False
        self._sleeps_until = float("-inf")
        self._wake = asyncio.Event()
        self._turn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin to publish, in a task of its own."""
        self._task = asyncio.create_task(self._deliver(), name=f"longwire job {self._job_id}")

    def notify(self) -> None:
        """Say that something was put into `outgoing`; cheap when that changes nothing."""
        deadline = self._outgoing.next_deadline()
        if deadline is not None and deadline < self._sleeps_until:
            self._wake.set()

    async def wait_below(self, pending: int) -> None:
        """Wait until at most so many characters of output are unpublished.

        Raises:
            Exception: what the host refused an event with.
        """
        await self._wait_until(lambda: self._outgoing.pending <= pending)

    async def drain(self) -> None:
        """Publish everything now, without waiting for more text, and wait until it is done.

        Raises:
            Exception: what the host refused an event with.
        """
        self._outgoing.seal()
        self.notify()
        await self._wait_until(lambda: not self._outgoing and not self._is_sending)

    async def stop(self) -> None:
        """End the task; what was not published is dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _wait_until(self, done: Callable[[], bool]) -> None:
        while self.failure is None and not done():
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
        sign = self._lease.next_deadline()
        self._sleeps_until = sign if deadline is None else min(deadline, sign)
        self._wake.clear()
        try:
            async with asyncio.timeout_at(self._sleeps_until):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            self._sleeps_until = float("-inf")

    async def _publish(self, event: Event) -> None:
        self._tries += 1
        self._is_sending = True
        id = f"{self._run}:{self._tries}"
        now = asyncio.get_running_loop().time
        deadline, pause = now() + RETRY_FOR, FIRST_PAUSE
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
        self._turn.set()
        self._turn = asyncio.Event()
