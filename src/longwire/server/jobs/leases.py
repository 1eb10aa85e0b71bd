"""Leases of jobs: fails a job when its worker has not published for too long.

A lease measures the silence of a worker, so the server's own absence must not count: leases run
only while the server serves, and start over if its event loop stood still.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final

from longwire.background import BackgroundTasks
from longwire.broker.sweeper import Sweeper
from longwire.catalog import JobCreated, JobFailed, JobLease, JobOutput, JobProgress
from longwire.clock import clock
from longwire.errors import BrokerUnavailable, JobEnded, StaleAttempt
from longwire.jobs import JobHost, JobState
from longwire.jobs.fold import WORKER_LOST, ends_attempt, is_guess
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.schema import Event
from longwire.server.jobs.registry import JobRegistry
from longwire.server.session.deadlines import Deadlines
from longwire.types import Position

logger = logging.getLogger("longwire.jobs")

SURVEY_INTERVAL: Final = 30.0
"""Seconds between two surveys. A job is failed at most this much later if its node dies too."""

# Seconds of activity that a survey looks back on: a job with a live worker publishes more often.
SURVEY_HORIZON: Final = 120.0

# Seconds that a worker may need, in addition to its lease, to reach a server that was away: the
# longest backoff of a client.
RETURN_GRACE: Final = 30.0

# Seconds by which a timer may be late. Beyond that the process was stopped, or its event loop was
# busy, and did not read what the workers sent.
MAX_LAG: Final = 1.0

# Seconds between two checks of the event loop while there are leases.
CHECK_INTERVAL: Final = 1.0


class _Lease:
    """The lease of one unfinished job.

    Attributes:
        job_id: the job.
        duration: seconds of silence after which the worker counts as lost.
        deadline: when the lease runs out, in loop time; None before the server serves, and while
            the end of the lease is being handled.
        end: the end of the job's log at the last sign of life that this node knows of.
    """

    __slots__ = ("_expire", "deadline", "duration", "end", "job_id")

    def __init__(
        self, job_id: str, duration: float, expire: Callable[[_Lease, float], None]
    ) -> None:
        self.job_id = job_id
        self.duration = duration
        self.deadline: float | None = None
        self.end: Position | None = None
        self._expire = expire

    def renew(self, grace: float = 0.0) -> None:
        self.deadline = asyncio.get_running_loop().time() + self.duration + grace

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_deadline(self, now: float) -> None:
        deadline, self.deadline = self.deadline or now, None
        self._expire(self, now - deadline)


class Leases:
    """Watches the leases of unfinished jobs and publishes `job:failed` for lost workers.

    The node that appends a job's events watches its lease. A worker may move to another node, and
    a node may die together with its workers, so every node also surveys the jobs of the others,
    and reads a job's log before it declares the worker lost. Several nodes may come to this
    conclusion: the id of the publication, made from the worker's last sign of life, makes
    `job:failed` appear once for each death.

    Args:
        registry: the states of jobs.
        host: publishes `job:failed`.
        is_running_here: whether a job's worker is in this process. Such a job is never declared
            lost: if it cannot publish, neither can this node.
        is_shared: whether other nodes write to the same logs.
        survey_interval: seconds between two surveys.
    """

    def __init__(
        self,
        registry: JobRegistry,
        host: JobHost,
        is_running_here: Callable[[str], bool],
        *,
        is_shared: bool,
        survey_interval: float,
    ) -> None:
        self._registry = registry
        self._host = host
        self._is_running_here = is_running_here
        self._is_shared = is_shared
        self._leases: dict[str, _Lease] = {}
        self._finding: set[str] = set()
        self._deadlines = Deadlines()
        self._surveyor = Sweeper(lambda: self._tasks.start(self._survey()), survey_interval)
        self._check: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()

    @property
    def job_ids(self) -> list[str]:
        """The jobs whose leases this node watches."""
        return list(self._leases)

    async def start(self) -> None:
        """Find the leases of all unfinished jobs; they do not run before `serve`."""
        async for summary in self._registry.newest_first():
            self._find(summary)

    def serve(self) -> None:
        """Start every lease with its full duration, because workers can reach the server now."""
        self._start_over(RETURN_GRACE)
        if self._is_shared:
            self._surveyor.start()

    async def close(self) -> None:
        """Stop watching."""
        self._surveyor.stop()
        self._deadlines.close()
        if self._check is not None:
            self._check.cancel()
            self._check = None
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        self._leases.clear()

    def observe(self, event: Event, attempt: int | None, position: Position) -> None:
        """Record an event that this node appended to a job's room: a sign of life, or the end.

        Args:
            event: the event.
            attempt: the attempt of the worker that published it; None if it is not a worker.
            position: its position.
        """
        if isinstance(event, JobOutput | JobProgress):  # nearly every event
            lease = self._leases.get(event.job_id)
            if lease is not None and lease.deadline is not None:
                lease.end = position
                lease.renew()  # it is watched; its deadline only moves away
                return
        job_id = getattr(event, "job_id", None)
        if not isinstance(job_id, str):
            return
        lease = self._leases.get(job_id)
        if isinstance(event, JobLease):
            lease = self._set(job_id, event.expires_in)
        elif attempt is not None and isinstance(event, JobCreated):
            lease = self._set(job_id, DEFAULT_LEASE)
        if lease is None:
            if attempt is not None and not _ends_lease(event, attempt):
                self._search(job_id)
        elif _ends_lease(event, attempt):
            self._release(lease)
        else:
            lease.end = position
            self._renew(lease)

    def excuse(self, job_id: str) -> None:
        """Renew the lease of a worker whose event could not be appended: it is alive."""
        lease = self._leases.get(job_id)
        if lease is not None:
            self._renew(lease)

    def _set(self, job_id: str, duration: float) -> _Lease:
        lease = self._leases.get(job_id)
        if lease is None:
            lease = self._leases[job_id] = _Lease(job_id, duration, self._expire)
        lease.duration = duration
        return lease

    def _renew(self, lease: _Lease, grace: float = 0.0) -> None:
        lease.renew(grace)
        self._deadlines.watch(lease)
        if self._check is None:
            self._schedule_check()

    def _release(self, lease: _Lease) -> None:
        if self._leases.get(lease.job_id) is lease:
            del self._leases[lease.job_id]
        self._deadlines.forget(lease)

    # The server's own absence

    def _schedule_check(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + CHECK_INTERVAL
        self._check = loop.call_at(due, self._check_lag, due)

    def _check_lag(self, due: float) -> None:
        """Start all leases over if this timer is late: the workers' events were not read either."""
        self._check = None
        lag = asyncio.get_running_loop().time() - due
        if lag > MAX_LAG:
            self._start_over(lag)
        elif self._leases:
            self._schedule_check()

    def _start_over(self, absence: float) -> None:
        # A client that could not reach the server for some time does not wait longer than that
        # before it tries again.
        for lease in self._leases.values():
            self._renew(lease, min(absence, RETURN_GRACE))

    # Jobs of which this node has no lease

    def _find(self, summary: JobState) -> _Lease | None:
        """Return a new lease for a job whose events this node did not append, if it needs one."""
        job_id = summary.job_id
        if summary.is_complete or summary.lease is None or job_id in self._leases:
            return None
        lease = self._set(job_id, summary.lease)
        lease.end = self._registry.end_of(job_id)
        return lease

    def _search(self, job_id: str) -> None:
        """Find the lease of a worker that comes from another node, or was declared lost."""
        if job_id not in self._finding:
            self._finding.add(job_id)
            self._tasks.start(self._find_one(job_id))

    async def _find_one(self, job_id: str) -> None:
        try:
            with suppress(BrokerUnavailable):  # the worker's next event repeats the search
                summary = await self._registry.summary(job_id)
                lease = None if summary is None else self._find(summary)
                if lease is not None:
                    self._renew(lease)
        finally:
            self._finding.discard(job_id)

    async def _survey(self) -> None:
        """Find the leases of recently active jobs that other nodes started."""
        horizon_ms = (clock.time() - SURVEY_HORIZON) * 1000
        async with aclosing(self._registry.newest_first()) as summaries:
            with suppress(BrokerUnavailable):  # the next survey reads them
                async for summary in summaries:
                    lease = self._find(summary)
                    if lease is not None:
                        self._renew(lease, lease.duration)
                    if (summary.updated_at or 0) < horizon_ms:
                        return

    # The end of a lease

    def _expire(self, lease: _Lease, lag: float) -> None:
        if lag > MAX_LAG:
            self._start_over(lag)
        else:
            self._tasks.start(self._judge(lease))

    async def _judge(self, lease: _Lease) -> None:
        """End a job whose lease ran out, unless its log shows signs of life from other nodes."""
        try:
            summary = await self._registry.summary(lease.job_id)
            end = self._registry.end_of(lease.job_id)
            if lease.deadline is not None:
                return  # renewed in the meantime
            if summary is None or summary.is_complete:
                self._release(lease)
            elif end is None or end != lease.end or self._is_running_here(lease.job_id):
                lease.duration, lease.end = summary.lease or lease.duration, end
                # Twice the lease: if the node of this worker is gone, the worker notices that
                # within a lease, and then comes to this one.
                self._renew(lease, lease.duration)
            else:
                await self._declare_lost(summary, end)
        except (BrokerUnavailable, StaleAttempt, JobEnded):
            # Workers cannot renew a lease during an outage, so nothing can be concluded from it.
            # After the other two, the log has grown: the next judgement sees how.
            self._renew(lease)
        except Exception:
            logger.exception("the lease of job %r could not be ended", lease.job_id)
            self._renew(lease)

    async def _declare_lost(self, summary: JobState, end: Position) -> None:
        """Fail a job, once for each time that its worker falls silent.

        The attempt stays open: if the worker comes back before another attempt begins, its events
        are accepted and revive the job.
        """
        job_id, attempt = summary.job_id, summary.attempt
        failed = JobFailed(
            job_id=job_id,
            error="The worker stopped responding.",
            error_code=WORKER_LOST,
            retryable=True,
        )
        id = f"{WORKER_LOST}:{attempt}:{end.epoch}:{end.offset}"
        await self._host.publish(failed, id=id, attempt=attempt)
        logger.warning("job %r lost its worker", job_id, extra={"job_id": job_id})


def _ends_lease(event: Event, attempt: int | None) -> bool:
    if isinstance(event, JobCreated):
        return attempt is None  # a queued job has no worker yet
    return ends_attempt(event) or is_guess(event)
