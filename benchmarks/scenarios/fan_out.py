"""The cost of a delivery in a room with a thousand members."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANNOUNCED, Crowd, frame
from benchmarks.peers import NODE, PEERS, PYTHON_SOCKETIO, Peer, floor
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario, scaled

MEMBERS = 1000
EVENTS = 200
WARM = 20
FRAME_BYTES = 177  # of the servers, including the header

FLOOR = floor()


def measure(peer: Peer, quick: bool) -> Figures:
    """Publish an event and wait until all members have it, so that writes are not combined."""
    events = scaled(peer, EVENTS, quick=quick) // LAPS or 1
    arguments = (str(MEMBERS), str(FRAME_BYTES)) if peer is FLOOR else ()
    with (
        Subject(peer.server, *arguments) as server,
        closing(Crowd(server.listening().port)) as crowd,
    ):
        if peer is FLOOR:
            crowd.connect(MEMBERS)
            request = b"x"
        else:
            crowd.sign_in(MEMBERS)
            request = frame("publish_one", {"room": "global", "text": TEXT})
        _broadcast(crowd, request, max(2, scaled(peer, WARM, quick=quick)))
        return measured(server, events * MEMBERS, lambda: _broadcast(crowd, request, events))


def _broadcast(crowd: Crowd, request: bytes, events: int) -> None:
    for _ in range(events):
        crowd.send(request)
        crowd.receive(ANNOUNCED, MEMBERS)


FAN_OUT = Scenario(
    name="fan-out",
    title="Fan-out to 1,000 members",
    unit="µs CPU a delivery",
    key="cpu_us",
    measure=measure,
    peers=(PEERS[0], FLOOR, *PEERS[1:]),
    bars={FLOOR.name: 1.3, NODE.name: 0.65, PYTHON_SOCKETIO.name: 0.10},
)
