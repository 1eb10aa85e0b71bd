"""What a delivery, an echo and an idle connection cost the server: CPU time, not seconds.

    make bench
    make bench ARGS="--clients 500 --events 100"

Each server runs alone, pinned to the first core; the clients run on the second. Figures are the
server process's CPU time, user and kernel, so another process's load changes them little; compare
the ratios, which hold better between machines than the figures do.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import NamedTuple

from benchmarks.crowd import Crowd
from benchmarks.peer import LONGWIRE, PEERS, Peer, RunningPeer, pin

TEXT = "x" * 100  # makes a frame of about 170 bytes
PAUSE = 0.005  # seconds between two events, so that nobody can write two of them at once


class Figures(NamedTuple):
    """What one server cost."""

    delivery: float
    echo: float
    idle: float


async def measure(peer: Peer, clients: int, events: int, rounds: int) -> Figures:
    """Start a server, let a crowd use it, and read what it cost."""
    with RunningPeer(peer) as server:
        crowd = Crowd(server.port)
        await crowd.grow(10)
        await crowd.broadcast(20, TEXT, PAUSE)  # warm
        resident = server.resident_bytes()
        await crowd.grow(clients - 10)
        idle = (server.resident_bytes() - resident) / (clients - 10)
        before = server.cpu_seconds()
        await crowd.broadcast(events, TEXT, PAUSE)
        broadcast = server.cpu_seconds()
        await crowd.echo(rounds, {"text": TEXT})
        echo = server.cpu_seconds()
        crowd.leave()
    return Figures(
        delivery=(broadcast - before) / (events * clients) * 1e6,
        echo=(echo - broadcast) / (rounds * clients) * 1e6,
        idle=idle / 1000,
    )


def main() -> None:
    """Measure all peers and print one table."""
    arguments = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    arguments.add_argument("--clients", type=int, default=1000)
    arguments.add_argument("--events", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=20)
    options = arguments.parse_args()
    pin(os.getpid(), core=1)
    print(f"{options.clients} clients in one room, {options.events} events of about 170 bytes\n")
    print(f"{'':18}{'µs/delivery':>14}{'µs/echo':>14}{'kB/idle':>14}   (Longwire ÷ it)")
    ours: Figures | None = None
    for peer in PEERS:
        figures = asyncio.run(measure(peer, options.clients, options.events, options.rounds))
        ours = figures if peer is LONGWIRE else ours
        ratios = [mine / theirs for mine, theirs in zip(ours or figures, figures, strict=True)]
        cells = [
            f"{value:8.1f} {f'({ratio:.2f})':>6}"
            for value, ratio in zip(figures, ratios, strict=True)
        ]
        print(f"{peer.name:18}{cells[0]:>15}{cells[1]:>15}{cells[2]:>15}", flush=True)


if __name__ == "__main__":
    main()
