"""The memory of an idle connection, with its session, socket and two rooms."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANSWERED, Crowd, frame
from benchmarks.peers import Peer
from benchmarks.process import Subject
from benchmarks.scenario import Figures, Scenario, bars

CONNECTIONS = 4000
QUICK = 1000
WARM = 200


def measure(peer: Peer, quick: bool) -> Figures:
    """Compare the memory of the process before and after, each time after garbage collection."""
    connections = QUICK if quick else CONNECTIONS
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(WARM, "campaign:1")
        before = _memory(server, crowd)
        crowd.sign_in(connections, "campaign:1")
        after = _memory(server, crowd)
    return {"kilobytes": (after - before) / connections / 1000}


def _memory(server: Subject, crowd: Crowd) -> int:
    crowd.exchange(crowd.members[:1], frame("collect", {}, answered=True), ANSWERED)
    return server.memory_bytes()


IDLE = Scenario(
    name="idle",
    title="Memory of an idle connection",
    unit="kB",
    key="kilobytes",
    measure=measure,
    bars=bars(node=0.25, python_socketio=0.1),
    rounds=1,
)
