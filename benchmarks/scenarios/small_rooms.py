"""A thousand rooms of ten members, where publishing costs as much as delivering."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANNOUNCED, ANSWERED, Crowd, frame, join
from benchmarks.peers import Peer
from benchmarks.process import Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario, bars, scaled

MEMBERS = 1000
ROOMS = 1000
ROOMS_EACH = 10
PARTS = 25  # parts of the rooms that a lap publishes to
AT_ONCE = ROOMS // ROOMS_EACH  # rooms that contain each member exactly once


def measure(peer: Peer, quick: bool) -> Figures:
    """Publish to a hundred rooms at a time, which contain each member once; ten parts are all."""
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(MEMBERS)
        for slice in range(ROOMS_EACH):
            for number, member in enumerate(crowd.members):
                member.send(join(f"campaign:{slice * AT_ONCE + number % AT_ONCE}"))
            crowd.receive(ANSWERED, MEMBERS)
        _publish(crowd, ROOMS_EACH)
        parts = scaled(peer, PARTS, quick=quick)
        return measured(server, parts * MEMBERS, lambda: _publish(crowd, parts))


def _publish(crowd: Crowd, parts: int) -> None:
    for number in range(parts):
        first = number % ROOMS_EACH * AT_ONCE
        crowd.send(frame("publish_rooms", {"first": first, "count": AT_ONCE, "text": TEXT}))
        crowd.receive(ANNOUNCED, MEMBERS)


SMALL_ROOMS = Scenario(
    name="small-rooms",
    title="1,000 rooms of 10 members",
    unit="µs CPU a delivery",
    key="cpu_us",
    measure=measure,
    bars=bars(node=0.7, python_socketio=0.15),
)
