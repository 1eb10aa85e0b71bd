"""Counts of a node since it started, as plain numbers that cost an addition each."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# Seconds: the buckets of `signalr.server.connection.duration` in OpenTelemetry's conventions.
DURATIONS: Final = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip


class Histogram:
    """Counts values by size.

    Args:
        bounds: the upper ends of the buckets, which include them; one more bucket has the rest.

    Attributes:
        counts: the number of values in each bucket.
        total: the sum of the values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


def _connection_durations() -> Histogram:
    return Histogram(DURATIONS)


@dataclass(eq=False, slots=True)
class Statistics:
    """Counters of one node. They only grow.

    Attributes:
        published: Events that were published through this node, by name.
        refused: Publications that were refused, by error code.
        deliveries: Writes of an event to a member, from the fan-out or from the log.
        resumes: Joins with a position that continued there.
        resets: Joins with a position that was gone, so that the retained log was replayed.
        replayed: Entries, or frames of several, that were read from the log for a member.
        signed_in: Clients that signed in.
        refused_sign_ins: Sign-ins that were refused, by error code.
        closed: Connections that ended, by reason.
        durations: How many seconds clients were signed in until their connections ended.
    """

    published: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    deliveries: int = 0
    resumes: int = 0
    resets: int = 0
    replayed: int = 0
    signed_in: int = 0
    refused_sign_ins: Counter[str] = field(default_factory=Counter[str])
    closed: Counter[str] = field(default_factory=Counter[str])
    durations: Histogram = field(default_factory=_connection_durations)
