"""The states of a server's jobs, folded from their rooms' logs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Sequence

from msgspec.structs import replace

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.catalog import JobCreated
from longwire.errors import InvalidEvent, JobFinished, LongwireError, UnknownEvent
from longwire.jobs import JobState, fold
from longwire.jobs.fold import FOLDED_EVENTS, revive
from longwire.log.publication import Publication
from longwire.schema import Contract, Event, RoomPattern
from longwire.server.access.authentication import Identity
from longwire.server.errors import UnknownJob
from longwire.types import Position

logger = logging.getLogger("longwire.jobs")

ROOM_PREFIX = "job:"

# Summaries that stay in memory, about 1 kB each. Other jobs are folded again at each request.
MAX_SUMMARIES = 10_000

# Logs that are read concurrently. Ten hide most of the round trips to a remote broker; a task for
# each job would cost more than reading its log.
CONCURRENT_READS = 10

# Jobs after which a listing yields to the event loop: reading the log of a broker in this process
# never waits.
JOBS_PER_TURN = 50

_USER_ROOM = RoomPattern("user:{user_id}")

# A log's end as far as it was folded, and the state there.
_Known = tuple["Position", JobState]


class JobRegistry:
    """Reads the states of jobs and decides who may watch them.

    A summary, the state without output, stays in memory and is brought up to date by reading
    only what its log grew by.

    Entries of job rooms may be older than the contract: an event that was renamed, removed or got
    a required field since is skipped, and logged once.

    Args:
        broker: stores the logs.
        contract: decodes their entries.
        shared_jobs: whether every signed-in user may watch a job without an owner.

    Attributes:
        skipped: for each event, how many times an entry could not be decoded.
    """

    def __init__(self, broker: Broker, contract: Contract, *, shared_jobs: bool) -> None:
        self._broker = broker
        self._contract = contract
        self._shared_jobs = shared_jobs
        self._summaries: OrderedDict[str, _Known] = OrderedDict()
        self.skipped: Counter[str] = Counter()
        self._listings = BackgroundTasks()
        self._listing: asyncio.Task[list[JobState]] | None = None
        self._next_listing: asyncio.Task[list[JobState]] | None = None

    async def close(self) -> None:
        """Wait for the listings that are under way."""
        await self._listings.wait(return_exceptions=True)
        self._listing = None

    async def state(self, job_id: str) -> JobState | None:
        """Return the state of a job, output included; None if its room has no log."""
        found = await self._follow(job_id, None, with_text=True)
        return None if found is None else found[1]

    async def summary(self, job_id: str) -> JobState | None:
        """Return the state of a job without its output; None if its room has no log."""
        found = await self._follow(job_id, self._summaries.get(job_id), with_text=False)
        if found is None:
            return None
        self._summaries[job_id] = found
        self._summaries.move_to_end(job_id)
        if len(self._summaries) > MAX_SUMMARIES:
            self._summaries.popitem(last=False)
        return found[1]

    def end_of(self, job_id: str) -> Position | None:
        """Return the end of a job's log at its last summary; None if that is not in memory."""
        known = self._summaries.get(job_id)
        return None if known is None else known[0]

    async def summaries(self, identity: Identity | None = None) -> list[JobState]:
        """Return the summaries of the jobs that `identity` may watch, None meaning all.

        Jobs with the most recent activity come first.
        """
        if self._next_listing is None:
            self._next_listing = self._listings.start(self._list_after(self._listing))
        summaries = await asyncio.shield(self._next_listing)
        return [
            summary
            for summary in summaries
            if identity is None or self._may_watch(identity, summary)
        ]

    async def newest_first(self) -> AsyncGenerator[JobState]:
        """Yield the summaries of all jobs, most recent activity first."""
        rooms = await self._broker.rooms(ROOM_PREFIX)
        for start in range(0, len(rooms), JOBS_PER_TURN):
            turn = rooms[start : start + JOBS_PER_TURN]
            for summary in await self._read([room.removeprefix(ROOM_PREFIX) for room in turn]):
                if summary is not None:
                    yield summary

    async def is_allowed(self, identity: Identity, job_id: str) -> bool:
        """Return whether `identity` may watch a job, which need not exist yet."""
        return self._may_watch(identity, await self.summary(job_id))

    async def check_running(self, job_id: str) -> None:
        """Return if the job can still be cancelled.

        Raises:
            UnknownJob: the job's room has no log.
            JobFinished: the job has ended.
        """
        summary = await self.summary(job_id)
        if summary is None:
            raise UnknownJob(f"there is no job {job_id[:100]!r}")
        if summary.is_complete:
            raise JobFinished(job_id[:100])

    async def next_attempt(self, job_id: str) -> int:
        """Return the number of the attempt that a worker of this job may begin now.

        A job that no worker has taken keeps its number, also if it was cancelled before: the
        worker that claims it then is refused.
        """
        known = await self.summary(job_id)
        if known is None:
            return 1
        return known.attempt if is_unclaimed(known) else known.attempt + 1

    async def complete(self, created: JobCreated) -> JobCreated:
        """Return `created` with the title and owner that the job already has, where it names none.

        Raises:
            InvalidRoom: the owner cannot be a user's id.
        """
        if created.owner is not None:
            _USER_ROOM.build(user_id=created.owner)
        known = await self.summary(created.job_id)
        if known is None:
            return created
        return replace(
            created, title=created.title or known.title, owner=created.owner or known.owner
        )

    def _may_watch(self, identity: Identity, summary: JobState | None) -> bool:
        if identity.service:
            return True
        owner = summary.owner if summary is not None else None
        return self._shared_jobs if owner is None else owner == identity.user_id

    async def _list_after(self, listing: asyncio.Task[list[JobState]] | None) -> list[JobState]:
        """List all jobs once for every caller that asks while the previous listing runs.

        Those callers cannot share the running listing: it may already have passed a job that was
        created just before they asked.
        """
        if listing is not None:
            await asyncio.wait([listing])
        self._listing, self._next_listing = self._next_listing, None
        return [summary async for summary in self.newest_first()]

    async def _read(self, job_ids: Sequence[str]) -> list[JobState | None]:
        found: list[JobState | None] = [None] * len(job_ids)
        waiting = iter(enumerate(job_ids))

        async def read() -> None:
            for index, job_id in waiting:  # shared: each reader takes the next job
                found[index] = await self.summary(job_id)

        await asyncio.gather(*(read() for _ in range(CONCURRENT_READS)))
        return found

    async def _follow(self, job_id: str, known: _Known | None, *, with_text: bool) -> _Known | None:
        """Fold a job's log from where it is known to its end; None if the room has no log."""
        since, state = known or (None, JobState.initial(job_id))
        room = ROOM_PREFIX + job_id
        async for history in read_slices(self._broker, room, since, with_text=with_text):
            if not history.recovered:
                state = JobState.initial(job_id)
            state = self._fold(state, history.publications)
            if history.publications:
                since = Position(history.position.epoch, history.publications[-1].last)
            if history.complete and since is not None and since.offset < history.position.offset:
                state = revive(state)  # text follows, which only a live worker streams
            since = history.position
        return (since, state) if since is not None and since.offset else None

    def _fold(self, state: JobState, publications: tuple[Publication, ...]) -> JobState:
        for entry in publications:
            event = self._decode(entry)
            if isinstance(event, Event):
                state = fold(state, event)
        return state

    def _decode(self, entry: Publication) -> object:
        """Return the event of an entry if it says something about the job's state, else None."""
        try:
            decode = self._contract.decoder(entry.event)
            return decode(entry.data) if entry.event in FOLDED_EVENTS else None
        except (UnknownEvent, InvalidEvent) as error:
            self._skip(entry.event, error)
            return None

    def _skip(self, event: str, reason: LongwireError) -> None:
        self.skipped[event] += 1
        if self.skipped[event] == 1:
            logger.warning(
                "logs of jobs contain %r events that cannot be decoded, and are skipped: %s",
                event,
                reason,
            )


def is_unclaimed(state: JobState) -> bool:
    """Return whether no worker has taken the job: `Job` begins with a lease."""
    is_waiting = state.status in ("queued", "cancelled")
    return is_waiting and state.lease is None and state.progress is None
