"""The cost of a client's event and its acknowledgement."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANSWERED, Crowd, frame
from benchmarks.peers import Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario, bars, scaled

MEMBERS = 200
ROUNDS = 150


def measure(peer: Peer, quick: bool) -> Figures:
    """Send one event on each connection and wait for all answers, repeatedly."""
    rounds = scaled(peer, ROUNDS, quick=quick) // LAPS or 1
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(MEMBERS)
        _echo(crowd, rounds * 2)
        return measured(server, rounds * MEMBERS, lambda: _echo(crowd, rounds))


def _echo(crowd: Crowd, rounds: int) -> None:
    event = frame("echo", {"text": TEXT}, answered=True)
    for _ in range(rounds):
        crowd.exchange(crowd.members, event, ANSWERED)


ECHO = Scenario(
    name="echo",
    title="Echo with acknowledgement",
    unit="µs CPU an event",
    key="cpu_us",
    measure=measure,
    bars=bars(node=0.7, python_socketio=0.2),
)
