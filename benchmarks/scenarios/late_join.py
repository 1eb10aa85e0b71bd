"""A page that is opened when the job is over: a hundred thousand streamed tokens.

Socket.IO keeps nothing, so the peers do what an application does that wants to be complete: keep
every event and repeat it, one by one. Longwire reads the room's log, its text joined.
"""

from __future__ import annotations

from contextlib import closing
from operator import itemgetter
from socket import socket

from benchmarks.load import ANSWERED, PATIENCE, Crowd, frame, join
from benchmarks.peers import PYTHON_SOCKETIO, Peer
from benchmarks.process import Meter, Subject
from benchmarks.scenario import Figures, Scenario

TOKENS = 100_000
QUICK = 10_000
JOINS = 10
COMPLETED = b'["job:completed"'
CHUNK = 64 * 1024


def measure(peer: Peer, quick: bool) -> Figures:
    """Join the room of the finished job and read until its last event."""
    joins = 1 if peer is PYTHON_SOCKETIO else JOINS
    with Subject(peer.server) as server, closing(Crowd(server.listening().port)) as crowd:
        crowd.sign_in(joins + 1)
        teller, *readers = crowd.members
        stream = frame("stream", {"tokens": QUICK if quick else TOKENS}, answered=True)
        crowd.exchange([teller], stream, ANSWERED)
        return min((_read(server, reader) for reader in readers), key=itemgetter("cpu_ms"))


def _read(server: Subject, reader: socket) -> Figures:
    """Join, and read as a browser does: at once whatever comes, so that the wall clock counts."""
    reader.settimeout(PATIENCE)
    received, tail = 0, b""
    with Meter(server) as meter:
        reader.sendall(join("job:late"))
        while COMPLETED not in tail:
            data = reader.recv(CHUNK)
            if not data:
                raise ConnectionError("the server hung up")
            received += len(data)
            tail = tail[-len(COMPLETED) :] + data
    return {
        "cpu_ms": meter.cpu * 1000,
        "wall_ms": meter.wall * 1000,
        "kilobytes": received / 1000,
    }


LATE_JOIN = Scenario(
    name="late-join",
    title="Late join of a job with 100,000 tokens",
    unit="ms CPU a join",
    key="cpu_ms",
    measure=measure,
    rounds=1,
)
