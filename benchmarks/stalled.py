"""What readers that stop reading cost the server, and those who go on.

    python -m benchmarks.stalled               four minutes
    python -m benchmarks.stalled --quick       a quarter of it

Five readers that keep up are in two rooms; none, one, or a thousand that do not read at all are in
one of them; none shows what the machine adds. Where that is much, put `chrt -f 10` before it.
64 KiB events go out a hundred times a second, a lap here, a lap there, so that whatever else the
machine does falls upon both. What is compared is the 99th percentile of a lap's delays, lap by lap;
the delay of an event counts from when it was due, so that a server which comes too late with it has
to answer for that too. Growth is that of the server's memory (PSS) from the first third of the laps
to the last, the logs being full before; the system's is what TCP holds for all connections then.
The first laps, in which its buffers fill, are told apart.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import socket
import time
from contextlib import closing
from itertools import chain
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from benchmarks.load import Crowd, frame
from benchmarks.peers import LONGWIRE
from benchmarks.process import LOAD_CORE, Subject, pin

HEALTHY = 5
RATE = 100
PAYLOAD = 64 * 1024
WARM = 300  # events that fill a room's log, and what the system takes in for who does not read
LAP = 50  # events
LAPS = 60  # in each room: 3,000 events
BESIDE = "campaign:1"  # the room in which the stalled are
ALONE = "campaign:2"
CHUNK = 512 * 1024
DIGITS = 20
STAMP = b'"message":"'
MARK = len(STAMP) + DIGITS
SMALL = 4096  # what the system may take in for a stalled reader, so that the server has to


class Outcome(NamedTuple):
    """What was measured beside so many stalled readers; delays in milliseconds.

    Attributes:
        stalled: how many.
        growth: MB of the server's memory.
        system: MB of TCP's.
        filling: the 99th percentile while the buffers of the stalled fill, and before.
        alone: of all laps without them, the 99th percentile.
        beside: of all laps with them.
        ratios: of pairs of laps: the lower quartile, the median, and the upper one.
    """

    stalled: int
    growth: float
    system: float
    filling: tuple[float, float]
    alone: float
    beside: float
    ratios: list[float]


class Readers(Crowd):
    """Connections that are read as much at a time as there is."""

    def lap(self, room: str, events: int) -> list[float]:
        """Have the server send events; returns how many milliseconds each came late to each."""
        wish = {"room": room, "text": "x" * PAYLOAD, "rate": RATE, "count": events}
        teller = self.members[0]
        teller.setblocking(True)
        teller.sendall(frame("pace", wish))
        teller.setblocking(False)
        return self._listen(events * HEALTHY)

    def _listen(self, count: int) -> list[float]:
        delays: list[float] = []
        tails = dict.fromkeys(self.members, b"")
        deadline = time.monotonic() + count / HEALTHY / RATE + 60
        while len(delays) < count:
            for member in self._readable(deadline):
                data = tails[member] + member.recv(CHUNK)
                now, end = time.monotonic_ns(), 0
                while 0 <= (at := data.find(STAMP, end)) <= len(data) - MARK:
                    end = at + MARK
                    delays.append((now - int(data[at + len(STAMP) : end])) / 1e6)
                tails[member] = data[max(end, len(data) - MARK) :]
        return delays

    def _readable(self, deadline: float) -> list[socket.socket]:
        if time.monotonic() > deadline:
            raise TimeoutError("not every event came")
        return [self._sockets[fd] for fd, _ in self._epoll.poll(1.0)]


def p99(delays: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(delays, n=100)[98]


def system_bytes() -> int:
    """Memory that TCP holds, of all connections of this machine."""
    found = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text("ascii"), re.M)
    assert found is not None
    return int(found[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(stalled: int, laps: int) -> Outcome:
    """Let `stalled` readers stall, and see what becomes of the server and the others."""
    with (
        Subject(LONGWIRE.server) as server,
        closing(Readers(server.listening().port)) as crowd,
        closing(Crowd(server.port)) as sleepers,
    ):
        crowd.sign_in(HEALTHY, BESIDE, ALONE)
        sleepers.sign_in(stalled, BESIDE)
        for member in sleepers.members:
            member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        before = system_bytes()
        filling = [p99(crowd.lap(room, WARM)) for room in (ALONE, BESIDE)]
        alone, beside, memory = list[list[float]](), list[list[float]](), list[int]()
        for number in range(laps):
            pair = [(ALONE, alone), (BESIDE, beside)]
            for room, delays in pair if number % 2 else reversed(pair):
                delays.append(crowd.lap(room, LAP))
            memory.append(server.memory_bytes())
        return Outcome(
            stalled,
            growth=(median(memory[-laps // 3 :]) - median(memory[: laps // 3])) / 1e6,
            system=(system_bytes() - before) / 1e6,
            filling=(filling[1], filling[0]),
            alone=p99([*chain(*alone)]),
            beside=p99([*chain(*beside)]),
            ratios=quantiles(map(_ratio, alone, beside), n=4),
        )


def _ratio(alone: list[float], beside: list[float]) -> float:
    return p99(beside) / p99(alone)


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(prog="benchmarks.stalled", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="a sixth of the laps")
    options: Any = arguments.parse_args()
    pin(0, LOAD_CORE)
    gc.disable()
    for stalled in (0, 1, 1000):
        one = measure(stalled, LAPS // 6 if options.quick else LAPS)
        low, middle, high = one.ratios
        print(
            f"{stalled} stalled: server {one.growth:+.2f} MB, system {one.system:+.1f} MB\n"
            f"  p99 of those who go on {one.beside:.2f} ms, without the stalled {one.alone:.2f} ms;"
            f" lap by lap {middle:.2f} times (quartiles {low:.2f}, {high:.2f})\n"
            f"  while their buffers fill {one.filling[0]:.1f} ms, before {one.filling[1]:.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
