"""The cost of readers that stop reading, for the server and for the other readers.

    python -m benchmarks.stalled               four minutes
    python -m benchmarks.stalled --quick       one minute

Five readers that keep up are in two rooms. Zero, one or a thousand readers that do not read are in
one of them; the run with zero shows the noise of the machine. If it is high, run with `chrt -f
10`. The server publishes 64 KiB events a hundred times a second, in laps that alternate between
the rooms, so that other processes affect both. The compared figure is the 99th percentile of the
delays in a lap, lap by lap. A delay counts from the time at which the event was due, so that it
includes the delay of publishing. Growth is the increase of the server's memory (PSS) from the
first third of the laps to the last; the logs are full before that. The system's growth is the
memory of TCP for all connections. The first laps, in which its buffers fill, are reported
separately.
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
WARM = 300  # events that fill a room's log and the kernel's buffers of stalled readers
LAP = 50  # events
LAPS = 60  # in each room: 3,000 events
BESIDE = "campaign:1"  # the room with the stalled readers
ALONE = "campaign:2"
CHUNK = 512 * 1024
DIGITS = 20
STAMP = b'"message":"'
MARK = len(STAMP) + DIGITS
SMALL = 4096  # receive buffer of a stalled reader, so that the server has to buffer


class Outcome(NamedTuple):
    """The figures with a number of stalled readers; delays in milliseconds.

    Attributes:
        stalled: the number of stalled readers.
        growth: the growth of the server's memory in MB.
        system: the growth of TCP's memory in MB.
        filling: the 99th percentile while the buffers of stalled readers fill, and before.
        alone: the 99th percentile of all laps in the room without stalled readers.
        beside: the 99th percentile of all laps in the room with them.
        ratios: the lower quartile, the median and the upper quartile of the ratios of laps.
    """

    stalled: int
    growth: float
    system: float
    filling: tuple[float, float]
    alone: float
    beside: float
    ratios: list[float]


class Readers(Crowd):
    """Connections that read all available data at a time."""

    def lap(self, room: str, events: int) -> list[float]:
        """Make the server send events; return the delay of each delivery in milliseconds."""
        request = {"room": room, "text": "x" * PAYLOAD, "rate": RATE, "count": events}
        sender = self.members[0]
        sender.setblocking(True)
        sender.sendall(frame("pace", request))
        sender.setblocking(False)
        return self._read(events * HEALTHY)

    def _read(self, count: int) -> list[float]:
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
            raise TimeoutError("not every event arrived")
        return [self._sockets[fd] for fd, _ in self._epoll.poll(1.0)]


def p99(delays: list[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(delays, n=100)[98]


def system_bytes() -> int:
    """Return the memory that TCP uses for all connections of this machine."""
    found = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text("ascii"), re.M)
    assert found is not None
    return int(found[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(stalled: int, laps: int) -> Outcome:
    """Measure the server and the other readers with `stalled` stalled readers."""
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
            f"  p99 of other readers {one.beside:.2f} ms, in the other room {one.alone:.2f} ms;"
            f" ratio of laps {middle:.2f} (quartiles {low:.2f}, {high:.2f})\n"
            f"  while buffers fill {one.filling[0]:.1f} ms, before {one.filling[1]:.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
