"""An event from the client, its handler's acknowledgement back."""

from __future__ import annotations

from contextlib import closing

from benchmarks.load import ANSWERED, Crowd, frame
from benchmarks.peers import Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario, bars, scaled

MEMBERS = 200
ROUNDS = 150


def measure(peer: Peer, quick: bool) -> Figures:
    """Let everybody ask once, and wait for all answers; again and again."""
    rounds = scaled(peer, ROUNDS, quick=quick) // LAPS or 1
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(MEMBERS)
        _ask(crowd, rounds * 2)
        return measured(server, rounds * MEMBERS, lambda: _ask(crowd, rounds))


def _ask(crowd: Crowd, rounds: int) -> None:
    question = frame("echo", {"text": TEXT}, answered=True)
    for _ in range(rounds):
        crowd.exchange(crowd.members, question, ANSWERED)


ECHO = Scenario(
    name="echo",
    title="Echo with acknowledgement",
    unit="µs CPU an event",
    key="cpu_us",
    measure=measure,
    bars=bars(node=0.7, python_socketio=0.2),
)
