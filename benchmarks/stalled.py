"""What readers that stop reading cost the server, and those who go on.

    python -m benchmarks.stalled               one minute
    python -m benchmarks.stalled --quick       a fifth of it

64 KiB events go out a hundred times a second to five readers that keep up, beside none, one, or a
thousand that do not read at all. Growth is the server's memory (PSS) over that time, its log being
full before. Delays of all five, once the others stall, are told by the time that each event bears.
"""

from __future__ import annotations

import argparse
import socket
import time
from contextlib import closing
from statistics import quantiles
from typing import Any, NamedTuple

from benchmarks.load import Crowd, frame
from benchmarks.peers import LONGWIRE
from benchmarks.process import Subject

HEALTHY = 5
RATE = 100
PAYLOAD = 64 * 1024
WARM = 300  # events that fill the room's log, and what the system takes in for who does not read
CHUNK = 512 * 1024
DIGITS = 20
STAMP = b'"message":"'
MARK = len(STAMP) + DIGITS
SMALL = 4096  # what the system may take in for a stalled reader, so that the server has to


class Outcome(NamedTuple):
    """What was measured beside so many stalled readers."""

    stalled: int
    growth: float
    p50: float
    p99: float


def listen(crowd: Crowd, count: int) -> list[float]:
    """Read until `count` events came to all; returns how many seconds each was under way."""
    delays: list[float] = []
    tails = dict.fromkeys(crowd.members, b"")
    deadline = time.monotonic() + count / HEALTHY / RATE + 20
    while len(delays) < count:
        for member in crowd.readable(deadline):
            data = tails[member] + member.recv(CHUNK)
            now, end = time.monotonic_ns(), 0
            while 0 <= (at := data.find(STAMP, end)) <= len(data) - MARK:
                end = at + MARK
                delays.append((now - int(data[at + len(STAMP) : end])) / 1e9)
            tails[member] = data[max(end, len(data) - MARK) :]
    return delays


class Readers(Crowd):
    """Connections that are read as much at a time as there is."""

    def readable(self, deadline: float) -> list[socket.socket]:
        """Wait for those with something to read."""
        if time.monotonic() > deadline:
            raise TimeoutError("not every event came")
        return [self._sockets[fd] for fd, _ in self._epoll.poll(1.0)]


def tick(crowd: Readers, events: int) -> list[float]:
    """Have the server send so many events."""
    wish = {"room": "global", "text": "x" * PAYLOAD, "rate": RATE, "count": events}
    crowd.members[0].setblocking(True)
    crowd.members[0].sendall(frame("tick", wish))
    crowd.members[0].setblocking(False)
    return listen(crowd, events * HEALTHY)


def measure(stalled: int, events: int) -> Outcome:
    """Let `stalled` readers stall, and see what becomes of the server and the others."""
    with (
        Subject(LONGWIRE.server) as server,
        closing(Readers(server.listening().port)) as crowd,
        closing(Crowd(server.port)) as sleepers,
    ):
        crowd.sign_in(HEALTHY)
        tick(crowd, WARM)
        sleepers.sign_in(stalled)
        for member in sleepers.members:
            member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        before = server.memory_bytes()
        tick(crowd, WARM)
        percentiles = quantiles(tick(crowd, events), n=100)
        growth = (server.memory_bytes() - before) / 1e6
    return Outcome(stalled, growth, percentiles[49] * 1000, percentiles[98] * 1000)


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(prog="benchmarks.stalled", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="a fifth of the events")
    options: Any = arguments.parse_args()
    print(f"{'stalled readers':>16}{'growth':>12}{'each':>12}{'p50':>10}{'p99':>10}")
    for stalled in (0, 1, 1000):
        one = measure(stalled, 200 if options.quick else 1000)
        each = one.growth * 1000 / max(stalled, 1)
        print(
            f"{stalled:16}{one.growth:9.2f} MB{each:9.0f} kB{one.p50:7.1f} ms{one.p99:7.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
