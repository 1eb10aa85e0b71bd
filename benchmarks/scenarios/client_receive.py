"""The cost of receiving a typed event, for a client."""

from __future__ import annotations

from itertools import accumulate, islice

from benchmarks.feeder import Feeder, progress
from benchmarks.peers import LONGWIRE, Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import Figures, Scenario, bars, scaled

WARM = 2000
PACED = 15_000
BURST = 30_000
RATE = 5000.0  # a second: each event arrives alone


def measure(peer: Peer, quick: bool) -> Figures:
    """Send one event at a time to a client, then as many as it can read.

    Longwire's client also receives positions, which the others do not have, and validates events.
    """
    positions = peer is LONGWIRE
    paced = scaled(peer, PACED, quick=quick) // LAPS
    burst = scaled(peer, BURST, quick=quick) // LAPS
    segments = Segments([WARM, *[paced] * LAPS, *[burst] * LAPS], positions=positions)
    with Feeder() as feeder, Subject(peer.client, str(feeder.port), *segments.ends) as client:
        feeder.accept(positions=positions)
        _expect(client, "ready")

        def at_once() -> None:
            end, frames = segments.take()
            feeder.burst(frames)
            _expect(client, end)

        def one_by_one() -> None:
            end, frames = segments.take()
            feeder.pace(frames, RATE)
            _expect(client, end)

        at_once()
        figures = measured(client, paced, one_by_one)
        return {**figures, "burst_us": measured(client, burst, at_once)["cpu_us"]}


class Segments:
    """The frames for a client, in segments; the client prints the count at the end of each."""

    def __init__(self, lengths: list[int], *, positions: bool) -> None:
        self.ends = [str(end) for end in accumulate(lengths)]
        offsets = range(1, sum(lengths) + 1)
        frames = iter([progress(offset, positions=positions) for offset in offsets])
        self._segments = [
            (end, list(islice(frames, length)))
            for end, length in zip(self.ends, lengths, strict=True)
        ]

    def take(self) -> tuple[str, list[bytes]]:
        """Return the next segment: the count at its end, and the frames."""
        return self._segments.pop(0)


def _expect(client: Subject, line: str) -> None:
    received = client.line().strip()
    if received != line:
        raise RuntimeError(f"expected {line!r} from the client, got {received!r}")


CLIENT_RECEIVE = Scenario(
    name="client-receive",
    title="A client receives an event",
    unit="µs CPU an event",
    key="cpu_us",
    measure=measure,
    bars=bars(node=1.0, python_socketio=0.15),
)
