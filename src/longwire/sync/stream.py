"""Events and a job's states as plain iterators."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, Self, TypeVar

from longwire.catalog import JobResult
from longwire.client import EventStream as AsyncStream
from longwire.client import JobTracker as AsyncTracker
from longwire.errors import NotConnected
from longwire.jobs import JobState
from longwire.sync.loop_thread import LoopThread
from longwire.types import override

T = TypeVar("T")

# Events fetched from the loop's thread at once: a switch of threads costs more than an event.
BATCH = 100


class EventStream(Generic[T]):
    """An iterator over events; it receives them from its creation on.

    The iteration ends when the stream is closed or the client disconnects, and raises the client's
    error when the client gives up. Close a stream with `close()` or `with`. Several threads may
    iterate over one stream: each event goes to one of them.
    """

    def __init__(self, thread: LoopThread, stream: AsyncStream[T]) -> None:
        self._thread = thread
        self._stream = stream
        self._fetched: deque[T] = deque()
        self._turn = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._turn:  # one thread fetches for all
            if not self._fetched and not self._has_more():
                raise StopIteration
            return self._fetched.popleft()

    def _has_more(self) -> bool:
        """Wait for events; return False at the end."""
        try:
            return self._thread.wait(self._fetch)
        except NotConnected:
            if self._thread.is_closed:
                return False
            raise

    def close(self) -> None:
        """Stop receiving, and drop the events that wait."""
        self._thread.wait(self._stream.aclose)
        with self._turn:
            self._fetched.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _fetch(self) -> bool:
        # Stored in the stream, so that a caller that is interrupted gets them at the next call.
        async for event in self._stream:
            self._fetched.append(event)
            self._fetched.extend(self._stream.take_waiting(BATCH))
            return True
        return False


class JobTracker:
    """Tracks a job: `with client.job("42") as job: for state in job: …`.

    Iterating returns the present state first and ends with a terminal one. States that pass while
    the caller is busy are skipped.
    """

    def __init__(self, thread: LoopThread, tracker: AsyncTracker) -> None:
        self._thread = thread
        self._tracker = tracker
        self.job_id = tracker.job_id

    @override
    def __repr__(self) -> str:
        return repr(self._tracker)

    @property
    def state(self) -> JobState:
        """The job's state."""
        return self._thread.call(lambda: self._tracker.state)

    @property
    def is_complete(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.state.is_complete

    @property
    def is_running(self) -> bool:
        """Whether the job is running."""
        return self.state.is_running

    def result(self) -> JobResult:
        """Wait for the end of the job, and return its result.

        Raises:
            CallRefused: The job failed or was cancelled; `code` is its error code or status.
        """
        return self._thread.wait(self._tracker.result)

    def cancel(self, reason: str | None = None) -> None:
        """Ask the job's worker to stop. The state shows whether it does.

        Raises:
            CallRefused: The server rejected the request.
        """
        self._thread.wait(self._tracker.cancel, reason)

    def reset(self) -> None:
        """Discard the state and read the job's log again, for every tracker of the job."""
        self._thread.call(self._tracker.reset)

    def __enter__(self) -> Self:
        self._thread.wait(self._tracker.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.wait(self._tracker.__aexit__)

    def __iter__(self) -> JobStates:
        return JobStates(self._thread, self._tracker)


class JobStates:
    """An iterator over the states of a job."""

    def __init__(self, thread: LoopThread, tracker: AsyncTracker) -> None:
        self._thread = thread
        self._states = thread.call(tracker.__aiter__)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> JobState:
        state = self._thread.wait(self._next)
        if state is None:
            raise StopIteration
        return state

    async def _next(self) -> JobState | None:
        async for state in self._states:
            return state
        return None
