"""The cost of a late join: a job with a hundred thousand streamed tokens is already finished.

Socket.IO keeps no history, so the peers do what an application would have to do: keep every event
and send it again, one by one. Longwire reads the room's log, with its text joined.
"""

from __future__ import annotations

from contextlib import closing
from operator import itemgetter
from socket import socket

from benchmarks.load import ANSWERED, TIMEOUT, Crowd, frame, join
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
        sender, *readers = crowd.members
        stream = frame("stream", {"tokens": QUICK if quick else TOKENS}, answered=True)
        crowd.exchange([sender], stream, ANSWERED)
        return min((_read(server, reader) for reader in readers), key=itemgetter("cpu_ms"))


def _read(server: Subject, reader: socket) -> Figures:
    """Join, and read all data as soon as it arrives, like a browser."""
    reader.settimeout(TIMEOUT)
    received, tail = 0, b""
    with Meter(server) as meter:
        reader.sendall(join("job:late"))
        while COMPLETED not in tail:
            data = reader.recv(CHUNK)
            if not data:
                raise ConnectionError("the server closed the connection")
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
