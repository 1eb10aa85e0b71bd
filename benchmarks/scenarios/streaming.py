"""Jobs that stream tokens to their viewers, which is what most applications use a server for."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.load import ANSWERED, Crowd, frame, join
from benchmarks.peers import FASTAPI, LONGWIRE, NODE, PYTHON_SOCKETIO, Peer
from benchmarks.process import Meter, Subject
from benchmarks.scenario import Figures, Scenario

JOBS = 200
RATE = 50.0  # tokens a second of each job
TOKENS = 100  # of each job in a lap
LAPS = 5
TOKEN = b"token0"

PACING = Peer("pacing alone", LONGWIRE.server)
SQLITE = Peer("Longwire, SQLite", LONGWIRE.server)

_runs = itertools.count()


def measure(peer: Peer, quick: bool, *, viewers: int, rate: float = RATE) -> Figures:
    """Stream all jobs at once, each to its viewers; return the median lap."""
    with ExitStack() as stack:
        arguments: tuple[str, ...] = ()
        if peer is SQLITE:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            arguments = (f"sqlite:///{Path(folder) / 'logs.db'}",)
        server = stack.enter_context(Subject(peer.server, *arguments)).listening()
        lap = _stream_sse if peer is FASTAPI else _stream_events
        meters = [lap(peer, server, viewers, rate) for _ in range(2 if quick else LAPS)]
    deliveries = JOBS * TOKENS * viewers
    cpu = median(meter.cpu for meter in meters)
    return next(m for m in meters if m.cpu == cpu or quick).figures(deliveries)


def _stream_events(peer: Peer, server: Subject, viewers: int, rate: float) -> Meter:
    run = f"run{next(_runs)}"
    is_silent = peer is PACING
    with closing(Crowd(server.port)) as crowd:
        crowd.sign_in(JOBS * viewers)
        request = {"run": run, "jobs": JOBS, "tokens": TOKENS, "rate": rate, "silent": is_silent}
        crowd.send(frame("start_jobs", request, answered=True))
        crowd.receive(ANSWERED, 1)
        for number, member in enumerate(crowd.members):
            member.send(join(f"job:{run}-{number % JOBS}"))
        crowd.receive(ANSWERED, JOBS * viewers)
        with Meter(server) as meter:
            crowd.send(frame("go", None))
            if is_silent:
                crowd.receive(b'"ended"', JOBS * viewers)
            else:
                crowd.receive(TOKEN, JOBS * TOKENS * viewers)
    return meter


def _stream_sse(peer: Peer, server: Subject, viewers: int, rate: float) -> Meter:
    path = "stream" if viewers == 1 else "shared"
    with closing(Crowd(server.port)) as crowd:
        for number, member in enumerate(crowd.connect(JOBS * viewers)):
            job = number % JOBS
            query = f"offset={job / JOBS / rate}&tokens={TOKENS}&rate={rate}"
            member.send(f"GET /{path}/{job}?{query} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        crowd.receive(b"text/event-stream", JOBS * viewers)
        [starter] = crowd.connect(1)
        with Meter(server) as meter:
            starter.send(b"GET /go HTTP/1.1\r\nhost: x\r\n\r\n")
            crowd.receive(TOKEN, JOBS * TOKENS * viewers)
    return meter


STREAMING = Scenario(
    name="streaming",
    title="200 jobs of 50 tokens a second, one viewer each",
    unit="µs CPU a token",
    key="cpu_us",
    measure=partial(measure, viewers=1),
    peers=(LONGWIRE, SQLITE, FASTAPI, NODE, PYTHON_SOCKETIO, PACING),
    bars={FASTAPI.name: 0.75, NODE.name: 0.75},
)

STREAMING_SHARED = Scenario(
    name="streaming-shared",
    title="200 jobs of 50 tokens a second, ten viewers each",
    unit="µs CPU a token and viewer",
    key="cpu_us",
    measure=partial(measure, viewers=10),
    peers=(LONGWIRE, SQLITE, FASTAPI, NODE),
    bars={FASTAPI.name: 0.4, NODE.name: 0.4},
)
