"""What a job needs from the server or client that carries its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.catalog import JobCancel
    from longwire.schema import Event
    from longwire.types import Position


class JobHost(Protocol):
    """A publisher of job events that also hears requests to cancel.

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

        Called by one job for one event at a time, so order is the caller's. The same `id` within
        five minutes is appended once: after a `BrokerUnavailable` the job tries again with it.
        Any other error ends the job.
        """
        ...

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call back, on the event loop, for every request to cancel the job; return the undo.

        Only for requests that come after this call: one that the log retains was meant for an
        earlier attempt.
        """
        ...
