"""Reports the health of a connection to the server, for clients that opted in."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from longwire.client.health import HealthSnapshot
from longwire.wire import ClientHealth

# Seconds between two reports of one connection.
REPORT_INTERVAL: Final = 60.0


class HealthReporter:
    """Sends `client:health` at most once a minute, and once after each recovered connection.

    Reports are volatile: they are sent over the present connection or not at all. They contain
    numbers and fixed words, no address and no name.

    Args:
        snapshot: Returns the present health.
        send: Sends a report; the client drops it without a connection.
    """

    def __init__(
        self, snapshot: Callable[[], HealthSnapshot], send: Callable[[ClientHealth], None]
    ) -> None:
        self._snapshot = snapshot
        self._send = send
        self._next_at: float | None = None
        self._reconnects = 0

    def receive_round_trip(self, now: float) -> None:
        """Send a report if one is due. Called after every measurement of the round trip."""
        snapshot = self._snapshot()
        has_recovered = snapshot.reconnects > self._reconnects
        self._reconnects = snapshot.reconnects
        if self._next_at is None:
            self._next_at = now + REPORT_INTERVAL
        if has_recovered or now >= self._next_at:
            self._next_at = now + REPORT_INTERVAL
            self._send(describe(snapshot, has_recovered=has_recovered))


def describe(snapshot: HealthSnapshot, *, has_recovered: bool) -> ClientHealth:
    """Return the report of a snapshot."""
    return ClientHealth(
        cause="recovered" if has_recovered else "periodic",
        client="python",
        version=_version(),
        transport=snapshot.transport,
        quality=snapshot.quality.value,
        round_trip_p50_ms=_ms(snapshot.round_trip_p50),
        round_trip_p99_ms=_ms(snapshot.round_trip_p99),
        jitter_ms=_ms(snapshot.jitter),
        missed=snapshot.missed_heartbeats,
        drops=snapshot.drops,
        reconnects=snapshot.reconnects,
        recovery_p50_ms=_ms(snapshot.recovery_p50),
        recovery_p99_ms=_ms(snapshot.recovery_p99),
        resumed=snapshot.rooms_resumed,
        reset=snapshot.rooms_reset,
        unsent=snapshot.unsent,
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _version() -> str:
    try:
        return version("longwire")[:32]
    except PackageNotFoundError:  # run from a source tree
        return "0"
