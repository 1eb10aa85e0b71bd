"""The interface between a job and the server or client that publishes its events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from longwire.catalog import JobCancel, JobCreated
from longwire.schema import Event
from longwire.types import Position


class JobHost(Protocol):
    """Publishes a job's events and delivers requests to cancel it.

    `Server` and `WebSocketClient` are job hosts.
    """

    def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        attempt: int | None = None,
    ) -> Awaitable[Position]:
        """Append the event to the log of its room.

        A job awaits each call before the next, so the host need not keep their order. The same
        `id` within five minutes must be appended once: after `BrokerUnavailable` the job retries
        with the same id. Any other error ends the job.

        Args:
            event: the event.
            room: the room; by default the one that the event determines.
            id: makes retries safe.
            attempt: the attempt to which the event belongs; `JobCreated` begins it.

        Raises:
            StaleAttempt: (awaited) there is a newer attempt.
            JobEnded: (awaited) the attempt has ended.
        """
        ...

    def start_attempt(self, created: JobCreated, *, id: str | None = None) -> Awaitable[int]:
        """Begin the next attempt of a job for the calling worker, and return its number.

        The number in `created` is replaced. A queued job that no worker has taken keeps its
        number.

        Raises:
            JobEnded: (awaited) the job was cancelled before a worker took it.
        """
        ...

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` on the event loop for each request to cancel the job; return an undo.

        Requests before this call are not delivered: those in the log were meant for an earlier
        attempt.
        """
        ...
