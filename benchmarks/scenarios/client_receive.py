"""The other end: what receiving a typed event costs a client."""

from __future__ import annotations

from benchmarks.feeder import Feeder, progress
from benchmarks.peers import LONGWIRE, Peer
from benchmarks.process import Meter, Subject
from benchmarks.scenario import Figures, Scenario, bars, scaled

WARM = 2000
PACED = 15_000
BURST = 30_000
RATE = 5000.0  # a second: each event comes alone


def measure(peer: Peer, quick: bool) -> Figures:
    """Feed a client one event at a time, then as many as it takes.

    Longwire's client gets positions, which the others do not have, and validates what comes.
    """
    positions = peer is LONGWIRE
    paced, burst = scaled(peer, PACED, quick=quick), scaled(peer, BURST, quick=quick)
    ends = (WARM, WARM + paced, WARM + paced + burst)
    frames = [progress(offset, positions=positions) for offset in range(1, ends[-1] + 1)]
    with Feeder() as feeder:
        counts = (str(end) for end in ends)
        with Subject(peer.client, str(feeder.port), *counts) as client:
            feeder.welcome(positions=positions)
            _expect(client, "ready")
            feeder.burst(frames[: ends[0]])
            _expect(client, str(ends[0]))
            with Meter(client) as one_by_one:
                feeder.pace(frames[ends[0] : ends[1]], RATE)
                _expect(client, str(ends[1]))
            with Meter(client) as at_once:
                feeder.burst(frames[ends[1] :])
                _expect(client, str(ends[2]))
    return {**one_by_one.figures(paced), "burst_us": at_once.cpu / burst * 1e6}


def _expect(client: Subject, line: str) -> None:
    said = client.line().strip()
    if said != line:
        raise RuntimeError(f"expected {line!r} of the client, not {said!r}")


CLIENT_RECEIVE = Scenario(
    name="client-receive",
    title="A client receives an event",
    unit="µs CPU an event",
    key="cpu_us",
    measure=measure,
    bars=bars(node=1.0, python_socketio=0.15),
)
