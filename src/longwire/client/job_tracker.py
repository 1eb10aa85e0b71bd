"""Following a job: its room folded to one state, shared by everyone here who watches it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

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
from longwire.client.receiving.inbox import ROOM_LIVE
from longwire.client.rooms.membership import (
    ROOM_RESET,
    JoinResult,
    RoomReset,
    RoomStatus,
    Start,
    has_joined,
)
from longwire.errors import CallRefused
from longwire.jobs import JobState, fold
from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from longwire.schema import Event, PublishAck

JOB_EVENTS = (
    JobCreated,
    JobProgress,
    JobOutput,
    JobStatusChanged,
    JobCompleted,
    JobFailed,
    JobLease,
    JobCancel,
)


class JobSource(Protocol):
    """What a job's feed needs from the client."""

    def listen(
        self, names: tuple[str, ...], handler: Callable[[Any], object], room: str
    ) -> Callable[[], None]:
        """Hear several names in one queue."""
        ...

    def read_late(
        self, names: tuple[str, ...], handler: Callable[[Any], object], room: str
    ) -> Callable[[], None]:
        """Hear several names in a joined room, from its beginning."""
        ...

    def join_room(self, room: str, position: Start = None) -> asyncio.Future[JoinResult]:
        """Join a room."""
        ...

    def leave_room(self, room: str) -> None:
        """Leave a room."""
        ...

    def room_status(self, room: str) -> RoomStatus | None:
        """Where a room stands."""
        ...

    async def call(self, event: object, *args: object, timeout: float | None = None) -> Any:
        """Send an event and return its acknowledgement."""
        ...


class JobFeed:
    """The fold of one job's room, as long as somebody watches.

    What is replayed is folded at once and shown when the room is live: a watcher never sees the
    past go by.

    Attributes:
        room: the job's room.
        state: the job as far as it is known; None until the room was read.
        error: why nothing more will come.
        watchers: how many watch.
    """

    __slots__ = (
        "_changed",
        "_folded",
        "_forget",
        "_is_current",
        "_source",
        "_undo",
        "error",
        "job_id",
        "room",
        "state",
        "watchers",
    )

    def __init__(self, source: JobSource, job_id: str, forget: Callable[[JobFeed], None]) -> None:
        self.job_id = job_id
        self.state: JobState | None = None
        self.error: Exception | None = None
        self.watchers = 0
        self._source = source
        self.room = f"job:{job_id}"
        self._forget = forget
        self._folded = JobState.initial(job_id)
        self._is_current = False
        self._changed = asyncio.Event()
        self._undo: Callable[[], None] | None = None

    async def acquire(self) -> None:
        """Add a watcher; the first one joins the job's room.

        Raises:
            RoomDenied: the job is not this user's to watch.
        """
        self.watchers += 1
        if self._undo is None:
            self._undo = self._read()
        answer: asyncio.Future[JoinResult] | None = None
        try:
            answer = self._source.join_room(self.room)
            await answer
        except BaseException:
            self.release(joined=answer is not None and has_joined(answer))
            raise

    def release(self, *, joined: bool = True) -> None:
        """Take a watcher away; the last one ends the feed."""
        self.watchers -= 1
        if joined:
            self._source.leave_room(self.room)
        if not self.watchers and self._undo is not None:
            self._undo()
            self._forget(self)

    async def next_after(self, seen: JobState | None) -> JobState:
        """Wait until the state is another one than `seen`.

        Raises:
            Exception: the client's error, when nothing more will come.
        """
        while self.state is seen or self.state is None:
            if self.error is not None:
                raise self.error
            await self._changed.wait()
        return self.state

    def reset(self) -> None:
        """Forget what was folded, and read the room's log again from its beginning."""
        if self._undo is not None:
            self._undo()
        self.state = self._folded = JobState.initial(self.job_id)
        self._notify()
        self._undo = self._read()

    def end(self, error: Exception) -> None:
        """Nothing more will come; who asks for the job from now on gets another feed."""
        self._forget(self)
        self.error = error
        self._notify()

    def _read(self) -> Callable[[], None]:
        self._is_current = False
        names = (*map(CATALOG.name_of, JOB_EVENTS), ROOM_RESET, ROOM_LIVE)
        is_joined = self._source.room_status(self.room) is not None
        hear = self._source.read_late if is_joined else self._source.listen
        return hear(names, self._receive, self.room)

    def _receive(self, event: Event | RoomReset | str) -> None:
        if isinstance(event, RoomReset):
            self._folded = JobState.initial(self.job_id)
            return
        # The room is ahead of this handler: what it says now holds once ROOM_LIVE has come.
        if isinstance(event, str):
            self._is_current = True
        else:
            self._folded = fold(self._folded, event)
            if self._source.room_status(self.room) is RoomStatus.CATCHING_UP:
                self._is_current = False
        if self._is_current and self._folded is not self.state:
            self.state = self._folded
            self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class JobFeeds:
    """The feeds of the jobs that somebody watches; those who watch the same job share one."""

    __slots__ = ("_feeds", "_source")

    def __init__(self, source: JobSource) -> None:
        self._source = source
        self._feeds: dict[str, JobFeed] = {}

    def find(self, job_id: str) -> JobFeed:
        """Return the feed of a job."""
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = JobFeed(self._source, job_id, self._forget)
        return feed

    def end(self, error: Exception, room: str | None = None) -> None:
        """Tell all watchers, or those of one room, that nothing more will come."""
        for feed in list(self._feeds.values()):
            if room is None or feed.room == room:
                feed.end(error)

    def _forget(self, feed: JobFeed) -> None:
        if self._feeds.get(feed.job_id) is feed:
            del self._feeds[feed.job_id]


class JobTracker:
    """A watcher of a job: `async with client.job("42") as job: …`.

    Iterating gives every state that there is time for, beginning with the present one, up to a
    terminal one. States that pass while the caller is busy are skipped; nothing piles up. Outside
    a block, `result` and an iteration watch the job as long as they take.
    """

    __slots__ = ("_entered", "_feeds", "_newest", "_source", "job_id")

    def __init__(self, source: JobSource, feeds: JobFeeds, job_id: str) -> None:
        self._source = source
        self._feeds = feeds
        self._entered: list[JobFeed] = []
        self._newest: JobFeed | None = None
        self.job_id = job_id

    @override
    def __repr__(self) -> str:
        return f"<JobTracker {self.job_id!r} {self.state.status}>"

    @property
    def state(self) -> JobState:
        """The job as far as it is known; after a block, what was known then."""
        state = self._newest.state if self._newest is not None else None
        return state if state is not None else JobState.initial(self.job_id)

    @property
    def is_complete(self) -> bool:
        """Whether the job has ended."""
        return self.state.is_complete

    @property
    def is_running(self) -> bool:
        """Whether the job runs."""
        return self.state.is_running

    async def result(self) -> JobResult:
        """Wait for the end; return what the job made.

        Raises:
            CallRefused: it failed or was cancelled; `code` is its error code.
            RoomDenied: the job is not this user's to watch.
            NotConnected: the client disconnected or gave up.
        """
        async with self._watching() as feed:
            state = await feed.next_after(None)
            while not state.is_complete:
                state = await feed.next_after(state)
        if state.status == "completed":
            return state.result or JobResult()
        message = state.error or f"job {self.job_id!r} was {state.status}"
        raise CallRefused(message, state.error_code or state.status)

    async def cancel(self, reason: str | None = None) -> None:
        """Ask for the job to stop; the state tells what comes of it.

        Raises:
            CallRefused: the server does not pass the request on.
        """
        ack: PublishAck = await self._source.call(JobCancel(job_id=self.job_id, reason=reason))
        if ack.error is not None:
            raise CallRefused(ack.error.message, ack.error.code)

    def reset(self) -> None:
        """Forget what was folded and read the job's log again, for every watcher here."""
        if self._entered:
            self._entered[-1].reset()
        self._newest = self._entered[-1] if self._entered else None

    async def __aenter__(self) -> JobTracker:
        feed = self._newest = self._feeds.find(self.job_id)
        await feed.acquire()
        self._entered.append(feed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._entered.pop().release()

    def __aiter__(self) -> AsyncIterator[JobState]:
        return _states(self._entered[-1]) if self._entered else self._watch()

    async def _watch(self) -> AsyncGenerator[JobState]:
        async with self._watching() as feed:
            async for state in _states(feed):
                yield state

    @asynccontextmanager
    async def _watching(self) -> AsyncGenerator[JobFeed]:
        """Give the block's feed; outside a block, watch meanwhile."""
        if self._entered:
            yield self._entered[-1]
            return
        feed = self._newest = self._feeds.find(self.job_id)
        await feed.acquire()
        try:
            yield feed
        finally:
            feed.release()


async def _states(feed: JobFeed) -> AsyncGenerator[JobState]:
    state: JobState | None = None
    while state is None or not state.is_complete:
        state = await feed.next_after(state)
        yield state
