"""Leases of jobs: ends a job as failed when its worker has not published for too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress

from longwire.background import BackgroundTasks
from longwire.broker.sweeper import Sweeper
from longwire.catalog import JobCompleted, JobFailed, JobLease, JobStatusChanged
from longwire.clock import clock
from longwire.errors import BrokerUnavailable
from longwire.jobs import JobHost, JobState
from longwire.jobs.fold import TERMINAL
from longwire.schema import Event
from longwire.server.jobs.registry import JobRegistry
from longwire.server.session.deadlines import Deadlines
from longwire.types import Position

logger = logging.getLogger("longwire.jobs")

SURVEY_INTERVAL = 30.0
"""Seconds between two surveys. A job is failed at most this much later if its node dies too."""

# Seconds of activity that a survey looks back on: a job with a live worker publishes more often.
SURVEY_HORIZON = 120.0


class _Lease:
    """The lease of one unfinished job.

    Attributes:
        job_id: the job.
        duration: seconds of silence after which the worker counts as lost.
        deadline: when the lease runs out, in loop time; None while that is being handled.
        end: the end of the job's log at the last sign of life that this node knows of.
    """

    __slots__ = ("_expire", "deadline", "duration", "end", "job_id")

    def __init__(self, job_id: str, duration: float, expire: Callable[[_Lease], None]) -> None:
        self.job_id = job_id
        self.duration = duration
        self.deadline: float | None = None
        self.end: Position | None = None
        self._expire = expire

    def renew(self, end: Position | None) -> None:
        self.end = end
        self.deadline = asyncio.get_running_loop().time() + self.duration

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_deadline(self, now: float) -> None:
        self.deadline = None
        self._expire(self)


class Leases:
    """Watches the leases of unfinished jobs and publishes `job:failed` for lost workers.

    The node that appends a job's events watches its lease. A worker may move to another node, and
    a node may die together with its workers, so every node also surveys the jobs of the others,
    and reads a job's log before it declares the worker lost. Several nodes may come to this
    conclusion: the id of the publication makes `job:failed` appear once.

    Args:
        registry: the states of jobs.
        host: publishes `job:failed`.
        is_shared: whether other nodes write to the same logs.
        survey_interval: seconds between two surveys.
    """

    def __init__(
        self, registry: JobRegistry, host: JobHost, *, is_shared: bool, survey_interval: float
    ) -> None:
        self._registry = registry
        self._host = host
        self._is_shared = is_shared
        self._leases: dict[str, _Lease] = {}
        self._deadlines = Deadlines()
        self._surveyor = Sweeper(lambda: self._tasks.start(self._survey()), survey_interval)
        self._tasks = BackgroundTasks()

    @property
    def job_ids(self) -> list[str]:
        """The jobs whose leases this node watches."""
        return list(self._leases)

    async def start(self) -> None:
        """Watch the leases of all unfinished jobs; each starts with its full duration."""
        async for summary in self._registry.newest_first():
            self._take_over(summary)
        if self._is_shared:
            self._surveyor.start()

    async def close(self) -> None:
        """Stop watching."""
        self._surveyor.stop()
        self._deadlines.close()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        self._leases.clear()

    def observe(self, event: Event, position: Position) -> None:
        """Record an event that this node appended to a job's room: a sign of life, or the end."""
        job_id = getattr(event, "job_id", None)
        if not isinstance(job_id, str):
            return
        lease = self._leases.get(job_id)
        if isinstance(event, JobLease):
            lease = self._set(job_id, event.expires_in)
        if lease is None:
            return
        if _ends_job(event):
            self._release(lease)
        else:
            self._renew(lease, position)

    def _set(self, job_id: str, duration: float) -> _Lease:
        lease = self._leases.get(job_id)
        if lease is None:
            lease = self._leases[job_id] = _Lease(job_id, duration, self._expire)
        lease.duration = duration
        return lease

    def _renew(self, lease: _Lease, end: Position | None) -> None:
        lease.renew(end)
        self._deadlines.watch(lease)

    def _release(self, lease: _Lease) -> None:
        self._leases.pop(lease.job_id, None)
        self._deadlines.forget(lease)

    def _take_over(self, summary: JobState) -> None:
        """Watch the lease of a job whose events this node did not append."""
        job_id = summary.job_id
        if summary.is_complete or summary.lease is None or job_id in self._leases:
            return
        self._renew(self._set(job_id, summary.lease), self._registry.end_of(job_id))

    async def _survey(self) -> None:
        """Take over the leases of recently active jobs that other nodes started."""
        horizon_ms = (clock.time() - SURVEY_HORIZON) * 1000
        async with aclosing(self._registry.newest_first()) as summaries:
            with suppress(BrokerUnavailable):  # the next survey reads them
                async for summary in summaries:
                    self._take_over(summary)
                    if (summary.updated_at or 0) < horizon_ms:
                        return

    def _expire(self, lease: _Lease) -> None:
        self._tasks.start(self._judge(lease))

    async def _judge(self, lease: _Lease) -> None:
        """End a job whose lease ran out, unless its log shows signs of life from other nodes."""
        try:
            summary = await self._registry.summary(lease.job_id)
            end = self._registry.end_of(lease.job_id)
            if summary is None or summary.is_complete:
                self._release(lease)
            elif end != lease.end:
                lease.duration = summary.lease or lease.duration
                self._renew(lease, end)
            else:
                await self._fail(summary)
        except BrokerUnavailable:
            # Workers cannot renew a lease during an outage, so nothing can be concluded from it.
            self._renew(lease, lease.end)

    async def _fail(self, summary: JobState) -> None:
        job_id = summary.job_id
        logger.warning("job %r lost its worker", job_id, extra={"job_id": job_id})
        failed = JobFailed(
            job_id=job_id,
            error="The worker stopped responding.",
            error_code="worker_lost",
            retryable=True,
        )
        await self._host.publish(failed, id=f"worker_lost:{job_id}:{summary.attempt}")


def _ends_job(event: Event) -> bool:
    if isinstance(event, JobStatusChanged):
        return event.status in TERMINAL
    return isinstance(event, JobCompleted | JobFailed)
