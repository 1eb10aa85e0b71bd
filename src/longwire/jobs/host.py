"""The interface between a job and the server or client that publishes its events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from longwire.catalog import JobCancel
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
        volatile: bool = False,
    ) -> Awaitable[Position]:
        """Append the event to the log of its room.

        A job awaits each call before the next, so the host need not keep their order. The same
        `id` within five minutes must be appended once: after `BrokerUnavailable` the job retries
        with the same id. Any other error ends the job.
        """
        ...

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` on the event loop for each request to cancel the job; return an undo.

        Requests before this call are not delivered: those in the log were meant for an earlier
        attempt.
        """
        ...
