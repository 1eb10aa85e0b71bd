"""The cost of a new connection, sign-in and join, as after a restart of the server."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import Crowd
from benchmarks.peers import Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import Figures, Scenario, bars, scaled

CONNECTIONS = 2000
WARM = 200


def measure(peer: Peer, quick: bool) -> Figures:
    """Open WebSockets, sign in and join one room, fifty at a time."""
    connections = scaled(peer, CONNECTIONS, quick=quick) // LAPS
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(WARM, "campaign:1")
        return measured(server, connections, lambda: crowd.sign_in(connections, "campaign:1"))


CONNECT = Scenario(
    name="connect",
    title="Connect, sign in, join a room",
    unit="µs CPU a connection",
    key="cpu_us",
    measure=measure,
    bars=bars(node=0.8, python_socketio=0.3),
)
