"""One room with a thousand members: what does one delivery of an event cost?"""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANNOUNCED, Crowd, frame
from benchmarks.peers import NODE, PEERS, PYTHON_SOCKETIO, Peer, floor
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario, scaled

MEMBERS = 1000
EVENTS = 200
WARM = 20
FRAME_BYTES = 177  # what the servers send, header included

FLOOR = floor()


def measure(peer: Peer, quick: bool) -> Figures:
    """Tell everybody something; go on when everybody has heard it, so that nothing is joined."""
    events = scaled(peer, EVENTS, quick=quick) // LAPS or 1
    arguments = (str(MEMBERS), str(FRAME_BYTES)) if peer is FLOOR else ()
    with (
        Subject(peer.server, *arguments) as server,
        closing(Crowd(server.listening().port)) as crowd,
    ):
        if peer is FLOOR:
            crowd.connect(MEMBERS)
            wish = b"x"
        else:
            crowd.sign_in(MEMBERS)
            wish = frame("tell", {"room": "global", "text": TEXT})
        _broadcast(crowd, wish, max(2, scaled(peer, WARM, quick=quick)))
        return measured(server, events * MEMBERS, lambda: _broadcast(crowd, wish, events))


def _broadcast(crowd: Crowd, wish: bytes, events: int) -> None:
    for _ in range(events):
        crowd.tell(wish)
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
