"""The jobs that run on a client, whose leases limit how long it may be disconnected."""

from collections.abc import Callable
from functools import partial

from longwire.catalog import JobLease
from longwire.jobs.lease import DEFAULT_LEASE, RENEWALS_PER_LEASE


class OpenJobs:
    """Knows the leases of the jobs that run on one client.

    Attributes:
        patience: Seconds that the client may wait before it tries again; None without a job. It is
            a third of the shortest lease: a job renews its lease three times, so detecting a dead
            link and reconnecting together take less than the lease.
    """

    def __init__(self) -> None:
        self._leases: dict[object, tuple[str, float]] = {}
        self.patience: float | None = None

    def open(self, job_id: str) -> Callable[[], None]:
        """Add a job with the default lease, until it publishes its own.

        Returns:
            A function that removes it.
        """
        key = object()
        self._leases[key] = job_id, DEFAULT_LEASE
        self._update()
        return partial(self._close, key)

    def observe(self, event: object) -> None:
        """Record the lease that a job publishes; ignore other events."""
        if type(event) is not JobLease:
            return
        for key, (job_id, _) in self._leases.items():
            if job_id == event.job_id:
                self._leases[key] = job_id, event.expires_in
        self._update()

    def _close(self, key: object) -> None:
        self._leases.pop(key, None)
        self._update()

    def _update(self) -> None:
        leases = [lease for _, lease in self._leases.values()]
        self.patience = min(leases) / RENEWALS_PER_LEASE if leases else None
