"""The jobs of a server: their states, folded from their rooms' logs, and their leases."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from longwire.background import BackgroundTasks
from longwire.broker.slices import read_slices
from longwire.broker.sweeper import Sweeper
from longwire.catalog import (
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobStatusChanged,
)
from longwire.clock import clock
from longwire.errors import BrokerUnavailable, JobFinished, LongwireError
from longwire.jobs import JobState, fold
from longwire.jobs.fold import TERMINAL
from longwire.schema import Event, RoomPattern, declaration_of
from longwire.server.session.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from longwire.broker import Broker
    from longwire.log import Publication
    from longwire.schema import Contract
    from longwire.server.access.authentication import Identity
    from longwire.types import Position

logger = logging.getLogger("longwire.jobs")

# Summaries kept in memory, about 1 kB each; the others are folded again when asked for.
MAX_SUMMARIES = 10_000

# Summaries that are brought up to date side by side: in few round trips to a broker elsewhere, and
# without more than so many logs in memory. A task for each would be most of what they cost.
AT_ONCE = 10

# Summaries between which the event loop has its turn, where reading a log needs no waiting.
TURN = 50

# Seconds between two looks for jobs that other nodes took in, whose leases have to be watched
# here too in case such a node dies with its workers; and how far back a look goes: a job with a
# live worker is written more often than that.
SURVEY_INTERVAL = 30.0
SURVEY_HORIZON = 120.0

ROOM_PREFIX = "job:"

# A job's log is full of these, and they tell no more than that its worker lives.
SIGNS_OF_LIFE = frozenset(declaration_of(event).name for event in (JobOutput, JobProgress))

_USER_ROOM = RoomPattern("user:{user_id}")

# How far a job's log was folded, and what came of it.
_Known = tuple["Position", JobState]


class UnknownJob(LongwireError):
    """There is no log of that job."""

    code = "unknown_job"


class _Leased:
    """An unfinished job whose worker said when to give it up.

    Attributes:
        heard: the end of the job's log when its worker was heard last.
    """

    __slots__ = ("deadline", "duration", "heard", "job_id", "lost")

    def __init__(self, job_id: str, lost: Callable[[_Leased], None]) -> None:
        self.job_id = job_id
        self.heard: Position | None = None
        self.duration: float | None = None
        self.deadline: float | None = None
        self.lost = lost

    def renew(self) -> None:
        if self.duration is not None:
            self.deadline = asyncio.get_running_loop().time() + self.duration

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_deadline(self, now: float) -> None:
        self.deadline = None
        self.lost(self)


class JobRegistry:
    """Answers questions about jobs, and ends those whose workers died without a word.

    Args:
        broker: where the logs are.
        contract: how their entries read.
        publish: appends an event, once for every id.
        shared_jobs: whether a job without an owner is everyone's who is signed in.
    """

    def __init__(
        self,
        broker: Broker,
        contract: Contract,
        publish: Callable[[Event, str], Awaitable[object]],
        *,
        shared_jobs: bool,
    ) -> None:
        self._broker = broker
        self._contract = contract
        self._publish = publish
        self._shared_jobs = shared_jobs
        self._summaries: OrderedDict[str, _Known] = OrderedDict()
        self._leased: dict[str, _Leased] = {}
        self._deadlines = Deadlines()
        self._surveyor = Sweeper(lambda: self._tasks.start(self._survey()), SURVEY_INTERVAL)
        self._tasks = BackgroundTasks()
        self._listings = BackgroundTasks()
        self._listing: asyncio.Task[list[JobState]] | None = None
        self._next_listing: asyncio.Task[list[JobState]] | None = None

    async def start(self) -> None:
        """Take over the leases of unfinished jobs: each has its whole lease again."""
        async for summary in self._newest_first():
            self._take_over(summary)
        if self._broker.is_shared:
            self._surveyor.start()

    async def close(self) -> None:
        """Stop watching leases."""
        self._surveyor.stop()
        self._deadlines.close()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        await self._listings.wait(return_exceptions=True)
        self._listing = None
        self._leased.clear()

    # States

    async def state(self, job_id: str) -> JobState | None:
        """Return the whole state of a job, output included; None if it has no log."""
        found = await self._follow(job_id, None, with_text=True)
        return None if found is None else found[1]

    async def summaries(self, identity: Identity | None = None) -> list[JobState]:
        """Return the states, without output, of the jobs that `identity` may see.

        Newest activity first; None means all.
        """
        if self._next_listing is None:
            self._next_listing = self._listings.start(self._list_after(self._listing))
        summaries = await asyncio.shield(self._next_listing)
        return [
            summary for summary in summaries if identity is None or self._sees(identity, summary)
        ]

    async def _list_after(self, listing: asyncio.Task[list[JobState]] | None) -> list[JobState]:
        """List all jobs, once for all who ask while another listing is under way.

        They cannot have that one: it may have passed what they know to be there.
        """
        if listing is not None:
            await asyncio.wait([listing])
        self._listing, self._next_listing = self._next_listing, None
        return [summary async for summary in self._newest_first()]

    async def _newest_first(self) -> AsyncGenerator[JobState]:
        rooms = await self._broker.rooms(ROOM_PREFIX)
        for start in range(0, len(rooms), TURN):
            job_ids = [room.removeprefix(ROOM_PREFIX) for room in rooms[start : start + TURN]]
            for summary in await self._side_by_side(job_ids):
                if summary is not None:
                    yield summary

    async def _side_by_side(self, job_ids: Sequence[str]) -> list[JobState | None]:
        found: list[JobState | None] = [None] * len(job_ids)
        waiting = iter(enumerate(job_ids))

        async def work() -> None:
            for index, job_id in waiting:
                found[index] = await self.summary(job_id)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return found

    async def is_allowed(self, identity: Identity, parameters: Mapping[str, str]) -> bool:
        """Allow `job:{job_id}` to its owner: the rule of job rooms."""
        summary = await self.summary(parameters["job_id"])
        return self._sees(identity, summary)

    async def check_running(self, job_id: str) -> None:
        """Return if the job can still be cancelled.

        Raises:
            UnknownJob: it has no log.
            JobFinished: it has ended.
        """
        summary = await self.summary(job_id)
        if summary is None:
            raise UnknownJob(f"there is no job {job_id[:100]!r}")
        if summary.is_complete:
            raise JobFinished(job_id[:100])

    async def complete(self, created: JobCreated) -> JobCreated:
        """Return what begins another attempt with the title and owner that the job has already.

        Raises:
            InvalidRoom: nobody can be called like the owner.
        """
        if created.owner is not None:
            _USER_ROOM.build(user_id=created.owner)
        known = await self.summary(created.job_id)
        if known is None:
            return created
        return replace(
            created, title=created.title or known.title, owner=created.owner or known.owner
        )

    def _sees(self, identity: Identity, summary: JobState | None) -> bool:
        if identity.service:
            return True
        owner = summary.owner if summary is not None else None
        return self._shared_jobs if owner is None else owner == identity.user_id

    async def summary(self, job_id: str) -> JobState | None:
        """Return the state of a job without its output; None if it has no log."""
        found = await self._follow(job_id, self._summaries.get(job_id), with_text=False)
        if found is None:
            return None
        self._summaries[job_id] = found
        self._summaries.move_to_end(job_id)
        if len(self._summaries) > MAX_SUMMARIES:
            self._summaries.popitem(last=False)
        return found[1]

    async def _follow(self, job_id: str, known: _Known | None, *, with_text: bool) -> _Known | None:
        """Go on from what is known of a job to the end of its log; None if it has none."""
        since, state = known or (None, JobState.initial(job_id))
        room = ROOM_PREFIX + job_id
        async for history in read_slices(self._broker, room, since, with_text=with_text):
            if not history.recovered:
                state = JobState.initial(job_id)
            state = self._fold(state, history.publications)
            since = history.position
        return (since, state) if since is not None and since.offset else None

    def _fold(self, state: JobState, publications: tuple[Publication, ...]) -> JobState:
        for entry in publications:
            event = self._contract.decode(entry.event, entry.data)
            if isinstance(event, Event):
                state = fold(state, event)
        return state

    # Leases

    def observe(self, event: Event, position: Position) -> None:
        """Learn that this node appended an event of a job: its worker lives."""
        job_id = getattr(event, "job_id", None)
        if not isinstance(job_id, str):
            return
        if isinstance(event, JobLease):
            self._lease(job_id).duration = event.expires_in
        leased = self._leased.get(job_id)
        if leased is None:
            return
        if _ends_job(event):
            self._release(leased)
        else:
            self._renew(leased, position)

    def _lease(self, job_id: str) -> _Leased:
        leased = self._leased.get(job_id)
        if leased is None:
            leased = self._leased[job_id] = _Leased(job_id, self._lose)
        return leased

    def _renew(self, leased: _Leased, heard: Position | None) -> None:
        leased.heard = heard
        leased.renew()
        self._deadlines.watch(leased)

    def _release(self, leased: _Leased) -> None:
        self._leased.pop(leased.job_id, None)
        self._deadlines.forget(leased)

    def _take_over(self, summary: JobState) -> None:
        """Watch the lease of a job that this node did not take in itself."""
        job_id = summary.job_id
        if summary.is_complete or summary.lease is None or job_id in self._leased:
            return
        leased = self._lease(job_id)
        leased.duration = summary.lease
        self._renew(leased, self._end_of(job_id))

    def _end_of(self, job_id: str) -> Position | None:
        """The end of a job's log as far as it was folded."""
        known = self._summaries.get(job_id)
        return None if known is None else known[0]

    async def _survey(self) -> None:
        """Take over the leases of jobs that other nodes took in."""
        horizon_ms = (clock.time() - SURVEY_HORIZON) * 1000
        async with aclosing(self._newest_first()) as summaries:
            with suppress(BrokerUnavailable):
                async for summary in summaries:
                    self._take_over(summary)
                    if (summary.updated_at or 0) < horizon_ms:
                        return

    def _lose(self, leased: _Leased) -> None:
        self._tasks.start(self._judge(leased))

    async def _judge(self, leased: _Leased) -> None:
        """End a job whose lease ran out, unless its worker was heard by another node."""
        try:
            summary = await self.summary(leased.job_id)
            end = self._end_of(leased.job_id)
            if summary is None or summary.is_complete:
                self._release(leased)
            elif end != leased.heard:
                leased.duration = summary.lease or leased.duration
                self._renew(leased, end)
            else:
                await self._fail(leased, summary)
        except BrokerUnavailable:
            self._renew(leased, leased.heard)

    async def _fail(self, leased: _Leased, summary: JobState) -> None:
        logger.warning("job %r lost its worker", leased.job_id, extra={"job_id": leased.job_id})
        failed = JobFailed(
            job_id=leased.job_id,
            error="the worker stopped without a word",
            error_code="worker_lost",
            retryable=True,
        )
        await self._publish(failed, f"worker_lost:{leased.job_id}:{summary.attempt}")


def _ends_job(event: Event) -> bool:
    if isinstance(event, JobStatusChanged):
        return event.status in TERMINAL
    return isinstance(event, JobCompleted | JobFailed)
