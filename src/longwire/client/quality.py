"""The quality of a connection in one word. Nothing here waits or reads a clock.

The TypeScript client has the same rules; `tests/vectors/quality.json` holds both to them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

# Seconds for which a connection must be better before a better class is shown.
SETTLE: Final = 10.0

# Seconds after a reconnect in which the connection counts as poor.
UNSTABLE: Final = 60.0

# Differences between round trips that the jitter covers.
JITTER_SAMPLES: Final = 10


class ConnectionQuality(StrEnum):
    """The quality of a connection, best first. The TypeScript client uses the same words.

    - `excellent`: round trips below 100 ms and jitter below 30 ms.
    - `good`: below 250 ms and 60 ms.
    - `fair`: below 500 ms and 120 ms, or the last heartbeat is missing.
    - `poor`: worse, or the client reconnected in the last 60 seconds.
    - `lost`: not connected.
    """

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    LOST = "lost"


# Upper bounds of the round trip and of the jitter, in seconds.
_BOUNDS: Final = (
    (ConnectionQuality.EXCELLENT, 0.100, 0.030),
    (ConnectionQuality.GOOD, 0.250, 0.060),
    (ConnectionQuality.FAIR, 0.500, 0.120),
)
_RANKS: Final = {quality: rank for rank, quality in enumerate(ConnectionQuality)}


class Measurements(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements on which the quality of a connection depends. Durations are in seconds.

    Attributes:
        is_connected: Whether the client is connected.
        round_trip: The newest round trip; None before the first.
        jitter: See `jitter_of`; None before the second round trip.
        missed: Heartbeats in a row that were not answered.
        reconnected: How long ago the client reconnected; None if it never did.
    """

    is_connected: bool
    round_trip: float | None = None
    jitter: float | None = None
    missed: int = 0
    reconnected: float | None = None


def jitter_of(round_trips: Sequence[float]) -> float | None:
    """Return the mean difference between successive round trips, of the newest ten."""
    newest = round_trips[-JITTER_SAMPLES - 1 :]
    differences = [abs(b - a) for a, b in itertools.pairwise(newest)]
    return sum(differences) / len(differences) if differences else None


def classify(measured: Measurements) -> ConnectionQuality:
    """Return the quality at one moment. Before the first round trip it is at best `good`."""
    if not measured.is_connected:
        return ConnectionQuality.LOST
    recent = measured.reconnected is not None and measured.reconnected < UNSTABLE
    if recent or measured.missed > 1:
        return ConnectionQuality.POOR
    round_trip = 0.1 if measured.round_trip is None else measured.round_trip
    jitter = measured.jitter or 0.0
    for quality, longest, largest in _BOUNDS:
        if round_trip < longest and jitter < largest:
            return _worse(quality, ConnectionQuality.FAIR) if measured.missed else quality
    return ConnectionQuality.POOR


def _worse(one: ConnectionQuality, other: ConnectionQuality) -> ConnectionQuality:
    return max(one, other, key=_RANKS.__getitem__)


class QualityMeter:
    """Shows a worse quality at once, and a better one after it has lasted for ten seconds.

    Only the end of `lost` is shown at once: that a client is connected again is a fact.
    """

    def __init__(self) -> None:
        self._shown = ConnectionQuality.LOST
        self._better: ConnectionQuality | None = None
        self._since = 0.0

    def update(self, current: ConnectionQuality, now: float) -> ConnectionQuality:
        """Return the quality to show.

        Args:
            current: The quality at this moment.
            now: The time in seconds, of any clock that never goes back.
        """
        shown = self._shown
        if shown is ConnectionQuality.LOST or _RANKS[current] >= _RANKS[shown]:
            self._shown, self._better = current, None
        elif self._better is None:
            self._better, self._since = current, now
        else:
            # The worst of this time, so that one good moment does not count.
            self._better = _worse(self._better, current)
            if now - self._since >= SETTLE:
                self._shown, self._since = self._better, now
                self._better = current if _RANKS[current] < _RANKS[self._shown] else None
        return self._shown
