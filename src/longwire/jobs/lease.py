"""A job's sign of life: silence longer than the lease means that its worker died."""

from __future__ import annotations

from longwire.errors import ConfigurationError

# Long enough for a stalled event loop or a dropped link to come back, short enough for a person
# who watches a dead job.
DEFAULT_LEASE = 15.0

# Two signs may get lost or be late before the lease runs out.
SIGNS_PER_LEASE = 3


class Lease:
    """When a job that publishes nothing else must say that it lives.

    Pure: time is an argument. Everything that a job publishes renews its lease, so a busy job
    spends nothing on it.

    Args:
        duration: seconds of silence after which others may declare the worker lost.
        now: the moment at which the lease begins.
    """

    __slots__ = ("_renewed", "duration")

    def __init__(self, duration: float, now: float) -> None:
        if duration <= 0:
            raise ConfigurationError(f"lease must be > 0 seconds, got {duration}")
        self.duration = duration
        self._renewed = now

    def renew(self, now: float) -> None:
        """Take note that the job published something."""
        self._renewed = now

    def next_deadline(self) -> float:
        """When the next sign of life is due, unless something else is published before."""
        return self._renewed + self.duration / SIGNS_PER_LEASE

    def is_due(self, now: float) -> bool:
        """Whether a sign of life should go out now."""
        return now >= self.next_deadline()
