"""When a silent job must publish `job:lease` so that its worker does not count as lost."""

from __future__ import annotations

from longwire.errors import ConfigurationError

# Seconds. Long enough for a stalled event loop or a lost connection to recover, short enough for a
# person who watches a job whose worker died.
DEFAULT_LEASE = 15.0

# Two renewals may be lost or late before the lease runs out.
RENEWALS_PER_LEASE = 3


class Lease:
    """Tells when the next `job:lease` of a job is due.

    Pure: time is an argument. Every event of a job renews its lease, so a busy job never
    publishes one.

    Args:
        duration: seconds without any event after which servers declare the worker lost.
        now: when the lease begins.

    Raises:
        ConfigurationError: the duration is not positive.
    """

    __slots__ = ("_renewed", "duration")

    def __init__(self, duration: float, now: float) -> None:
        if duration <= 0:
            raise ConfigurationError(f"lease must be > 0 seconds, got {duration}")
        self.duration = duration
        self._renewed = now

    def renew(self, now: float) -> None:
        """Record that the job published an event."""
        self._renewed = now

    def next_deadline(self) -> float:
        """Return when the next `job:lease` is due unless another event is published before."""
        return self._renewed + self.duration / RENEWALS_PER_LEASE

    def is_due(self, now: float) -> bool:
        """Return whether a `job:lease` is due."""
        return now >= self.next_deadline()
