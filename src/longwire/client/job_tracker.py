"""Tracking a job: its room's events, folded into one state that all trackers of the job share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from longwire.catalog import CATALOG, JobCancel, JobResult
from longwire.catalog.jobs import JOB_EVENTS
from longwire.client.receiving.subscribing import Listeners
from longwire.client.rooms.membership import (
    ROOM_LIVE,
    JoinResult,
    RoomReset,
    RoomStatus,
    has_joined,
)
from longwire.errors import CallRefused
from longwire.jobs import JobState, fold
from longwire.schema import Event, PublishAck
from longwire.types import override
from longwire.wire import ROOM_RESET


class JobFeed:
    """The folded state of one job's room, kept up to date while the job is tracked.

    Replayed events are folded at once, but the state is published only when the room is live:
    a tracker never sees intermediate states of the past.

    Args:
        listeners: Subscribes to the events of the room.
        join: Joins the room.
        job_id: The job.
        forget: Called when the feed ends.

    Attributes:
        room: The job's room.
        state: The job's state; None until the room was read.
        error: The reason why no further state follows; None while there is none.
        watchers: Number of trackers that use this feed.
    """

    def __init__(
        self,
        listeners: Listeners,
        join: Callable[[str], asyncio.Future[JoinResult]],
        job_id: str,
        forget: Callable[[JobFeed], None],
    ) -> None:
        self.job_id = job_id
        self.room = f"job:{job_id}"
        self.state: JobState | None = None
        self.error: Exception | None = None
        self.watchers = 0
        self._listeners = listeners
        self._join = join
        self._forget = forget
        self._folded = JobState.initial(job_id)
        self._is_current = False
        self._changed = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None

    async def acquire(self) -> None:
        """Add a tracker; the first one subscribes. Every tracker holds a join of the room.

        Raises:
            RoomDenied: The user may not see the job.
        """
        self.watchers += 1
        if self._unsubscribe is None:
            self._unsubscribe = self._subscribe()
        answer: asyncio.Future[JoinResult] | None = None
        try:
            answer = self._join(self.room)
            await answer
        except BaseException:
            self.release(joined=answer is not None and has_joined(answer))
            raise

    def release(self, *, joined: bool = True) -> None:
        """Remove a tracker; the last one ends the feed."""
        self.watchers -= 1
        if joined:
            self._listeners.rooms.leave(self.room)
        if not self.watchers and self._unsubscribe is not None:
            self._unsubscribe()
            self._forget(self)

    async def next_after(self, seen: JobState | None) -> JobState:
        """Wait for a state other than `seen`, and return it.

        Raises:
            Exception: The error with which the feed has ended.
        """
        while self.state is seen or self.state is None:
            if self.error is not None:
                raise self.error
            await self._changed.wait()
        return self.state

    def reset(self) -> None:
        """Discard the folded state, and read the room's log again from its beginning."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self.state = self._folded = JobState.initial(self.job_id)
        self._notify()
        self._unsubscribe = self._subscribe()

    def end(self, error: Exception) -> None:
        """Raise `error` in all trackers; new trackers of the job get a new feed."""
        self._forget(self)
        self.error = error
        self._notify()

    def _subscribe(self) -> Callable[[], None]:
        self._is_current = False
        names = (*map(CATALOG.name_of, JOB_EVENTS), ROOM_RESET, ROOM_LIVE)
        listeners = self._listeners
        is_joined = listeners.rooms.status(self.room) is not None
        # The events of a joined room that were delivered already have to be read again.
        add = listeners.add_late_handler if is_joined else listeners.add_handler
        return add(names, self._receive, self.room)

    def _receive(self, event: Event | RoomReset | str) -> None:
        if isinstance(event, RoomReset):
            self._folded = JobState.initial(self.job_id)
            return
        # The room is ahead of this handler's queue: its status applies once ROOM_LIVE arrives.
        if isinstance(event, str):
            self._is_current = True
        else:
            self._folded = fold(self._folded, event)
            if self._listeners.rooms.status(self.room) is RoomStatus.CATCHING_UP:
                self._is_current = False
        if self._is_current and self._folded is not self.state:
            self.state = self._folded
            self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class JobFeeds:
    """The feeds of all tracked jobs; trackers of the same job share one.

    Args:
        listeners: Subscribes to events.
        join: Joins a room.
        call: Sends an event and returns its acknowledgement.
    """

    def __init__(
        self,
        listeners: Listeners,
        join: Callable[[str], asyncio.Future[JoinResult]],
        call: Callable[[object], Awaitable[Any]],
    ) -> None:
        self.call = call
        self._listeners = listeners
        self._join = join
        self._feeds: dict[str, JobFeed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def find(self, job_id: str) -> JobFeed:
        """Return the feed of a job; create it if necessary."""
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = JobFeed(self._listeners, self._join, job_id, self._forget)
            self._feeds[job_id] = feed
        return feed

    def end(self, error: Exception, room: str | None = None) -> None:
        """Raise `error` in all trackers, or in those of one room."""
        for feed in list(self._feeds.values()):
            if room is None or feed.room == room:
                feed.end(error)

    def _forget(self, feed: JobFeed) -> None:
        if self._feeds.get(feed.job_id) is feed:
            del self._feeds[feed.job_id]


class JobTracker:
    """Tracks a job: `async with client.job("42") as job: …`.

    Iterating returns the present state first and ends with a terminal one. States that pass while
    the caller is busy are skipped, so none pile up. Outside a block, `result` and an iteration
    track the job for as long as they last.

    Attributes:
        job_id: The job.
    """

    __slots__ = ("_entered", "_feeds", "_newest", "job_id")

    def __init__(self, feeds: JobFeeds, job_id: str) -> None:
        self._feeds = feeds
        self._entered: list[JobFeed] = []
        self._newest: JobFeed | None = None
        self.job_id = job_id

    @override
    def __repr__(self) -> str:
        return f"<JobTracker {self.job_id!r} {self.state.status}>"

    @property
    def state(self) -> JobState:
        """The job's state; after a block, the last state that was received in it."""
        state = self._newest.state if self._newest is not None else None
        return state if state is not None else JobState.initial(self.job_id)

    @property
    def is_complete(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.state.is_complete

    @property
    def is_running(self) -> bool:
        """Whether the job is running."""
        return self.state.is_running

    async def result(self) -> JobResult:
        """Wait for the end of the job, and return its result.

        Raises:
            CallRefused: The job failed or was cancelled; `code` is its error code or status.
            RoomDenied: The user may not see the job.
            NotConnected: The client disconnected or gave up.
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
        """Ask the job's worker to stop. The state shows whether it does.

        Args:
            reason: A message for the worker and for clients that track the job.

        Raises:
            CallRefused: The server rejected the request.
        """
        ack: PublishAck = await self._feeds.call(JobCancel(job_id=self.job_id, reason=reason))
        if ack.error is not None:
            raise CallRefused(ack.error.message, ack.error.code)

    def reset(self) -> None:
        """Discard the state and read the job's log again, for every tracker of the job."""
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
        """Yield the block's feed; outside a block, one that is held for this `with` statement."""
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
