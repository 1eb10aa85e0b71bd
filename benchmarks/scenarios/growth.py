"""How the cost of a delivery depends on the members of the room and the size of the event."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from benchmarks.load import ANNOUNCED, Crowd, frame
from benchmarks.peers import LONGWIRE, Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import Figures, Scenario


class Size(NamedTuple):
    """The members of the room, and the size of the event."""

    members: int
    text_bytes: int = 100


SIZES = {
    Peer(name, LONGWIRE.server): size
    for name, size in {
        "1,000 members": Size(1000),
        "1 member": Size(1),
        "10 members": Size(10),
        "100 members": Size(100),
        "5,000 members": Size(5000),
        "1,000 of 1 kB": Size(1000, 1000),
        "1,000 of 10 kB": Size(1000, 10_000),
    }.items()
}
DELIVERIES = 100_000
MOST_EVENTS = 2000


def measure(peer: Peer, quick: bool) -> Figures:
    """Publish events until there are enough deliveries."""
    size = SIZES[peer]
    events = min(MOST_EVENTS, DELIVERIES // size.members) // (5 if quick else 1) // LAPS or 1
    request = frame("publish_one", {"room": "global", "text": "x" * size.text_bytes})
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(size.members)
        _publish(crowd, request, max(5, events), size.members)
        units = events * size.members
        return measured(server, units, lambda: _publish(crowd, request, events, size.members))


def _publish(crowd: Crowd, request: bytes, events: int, members: int) -> None:
    for _ in range(events):
        crowd.send(request)
        crowd.receive(ANNOUNCED, members)


GROWTH = Scenario(
    name="growth",
    title="Members of a room, size of an event",
    unit="µs CPU a delivery",
    key="cpu_us",
    measure=measure,
    peers=tuple(SIZES),
    rounds=1,
)
