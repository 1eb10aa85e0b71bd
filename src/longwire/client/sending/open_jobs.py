"""The jobs that run on a client, whose leases limit how long it may be disconnected."""

from collections.abc import Callable
from functools import partial

from longwire.catalog import JobLease
from longwire.jobs.lease import DEFAULT_LEASE, RENEWALS_PER_LEASE


class OpenJobs:
    """Knows the leases of the jobs that run on one client."""

    def __init__(self) -> None:
        self._leases: dict[object, tuple[str, float]] = {}

    def open(self, job_id: str) -> Callable[[], None]:
        """Add a job with the default lease, until it publishes its own.

        Returns:
            A function that removes it.
        """
        key = object()
        self._leases[key] = job_id, DEFAULT_LEASE
        return partial(self._close, key)

    def observe(self, event: object) -> None:
        """Record the lease that a job publishes; ignore other events."""
        if type(event) is not JobLease:
            return
        for key, (job_id, _) in self._leases.items():
            if job_id == event.job_id:
                self._leases[key] = job_id, event.expires_in

    def patience(self) -> float | None:
        """Return for how many seconds the client may wait before it tries again.

        It is a third of the shortest lease: a job renews its lease three times, so detecting a
        dead link and reconnecting together take less than the lease. None without a job.
        """
        leases = [lease for _, lease in self._leases.values()]
        return min(leases) / RENEWALS_PER_LEASE if leases else None

    def _close(self, key: object) -> None:
        self._leases.pop(key, None)
