"""The delay of an event, from the call that publishes it to the socket of a member."""

from __future__ import annotations

from contextlib import closing
from statistics import quantiles

from benchmarks.load import Crowd, frame
from benchmarks.peers import Peer
from benchmarks.process import Meter, Subject
from benchmarks.scenario import TEXT, Figures, Scenario

MEMBERS = 100
RATE = 50  # events a second, which every server can sustain
EVENTS = 200
DIGITS = 20
STAMP = b'"message":"'


def measure(peer: Peer, quick: bool) -> Figures:
    """Make the server publish at a fixed rate, with the time in the event."""
    events = EVENTS // 4 if quick else EVENTS
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(MEMBERS)
        _tick(crowd, RATE)
        with Meter(server) as meter:
            delays = _tick(crowd, events)
    percentiles = quantiles(delays, n=100)
    return {
        **meter.figures(events * MEMBERS),
        "p50_ms": percentiles[49] * 1000,
        "p99_ms": percentiles[98] * 1000,
    }


def _tick(crowd: Crowd, events: int) -> list[float]:
    crowd.send(frame("tick", {"room": "global", "text": TEXT, "rate": RATE, "count": events}))
    return crowd.timed(STAMP, DIGITS, events * MEMBERS)


LATENCY = Scenario(
    name="latency",
    title="Publish to receive, 50 events a second to 100 members",
    unit="ms at p99",
    key="p99_ms",
    measure=measure,
    rounds=2,
)
