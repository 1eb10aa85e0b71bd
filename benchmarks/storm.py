"""Which clients receive every event while their connections break and recover repeatedly.

    python -m benchmarks.storm                 three minutes
    python -m benchmarks.storm --quick         one minute, a smaller storm

Every client connects through its own proxy. Each proxy breaks its connection every 10 to 20 s for
about 2 s, and the client reconnects by itself. Servers and clients are configured as their
documentation advises, WebSocket only. A client has received an event when its handler was called.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import LONGWIRE, NODE, PYTHON_SOCKETIO, Peer
from benchmarks.process import Subject
from longwire import WebSocketClient
from tests.proxy import Proxy

ROOM = "campaign:storm"
CLIENTS = Path(__file__).with_name("storm_clients")
CATCH_UP = 10.0  # seconds after the storm in which clients may still catch up


class System(NamedTuple):
    """A server and its clients."""

    name: str
    server: Peer
    clients: tuple[str, ...]


SYSTEMS = (
    System("Longwire, Python client", LONGWIRE, (sys.executable, "longwire_client.py")),
    System("Longwire, TypeScript client", LONGWIRE, ("node", "longwire_client.mjs")),
    System("python-socketio", PYTHON_SOCKETIO, (sys.executable, "python_socketio_client.py")),
    System("Node socket.io", NODE, ("node", "socketio_client.mjs")),
)


class Storm(NamedTuple):
    """The severity of the storm.

    Attributes:
        clients: the number of clients.
        events: the number of events.
        seconds: the duration.
        calm: the minimum and maximum seconds between two cuts of one connection.
        away: the minimum and maximum seconds for which a connection is broken.
    """

    clients: int = 300
    events: int = 120
    seconds: float = 40.0
    calm: tuple[float, float] = (10.0, 20.0)
    away: tuple[float, float] = (1.5, 2.5)


FULL_STORM = Storm()
SMALL_STORM = Storm(clients=60, events=60, seconds=12.0, calm=(4.0, 8.0), away=(0.8, 1.2))


class Outcome(NamedTuple):
    """What the clients of one system received.

    Attributes:
        applied: the percentage of expected events that were received.
        duplicates: the number of events received again.
        reorders: the number of events received after a later one.
        complete: the number of clients that received all events.
        cuts: the number of broken connections.
    """

    applied: float
    duplicates: int
    reorders: int
    complete: int
    cuts: int


def judge(received: list[list[int]], events: int, cuts: int) -> Outcome:
    """Count lost, duplicated and reordered events."""
    unique = [set(numbers) for numbers in received]
    return Outcome(
        applied=100 * sum(map(len, unique)) / (events * len(received)),
        duplicates=sum(len(numbers) - len(set(numbers)) for numbers in received),
        reorders=sum(map(count_reorders, received)),
        complete=sum(len(numbers) == events for numbers in unique),
        cuts=cuts,
    )


def count_reorders(numbers: list[int]) -> int:
    """Return the number of events received for the first time after a later one."""
    newest, reorders, seen = -1, 0, set[int]()
    for number in numbers:
        reorders += number < newest and number not in seen
        newest = max(newest, number)
        seen.add(number)
    return reorders


class Crowd:
    """Many clients in one process, each with its own URL."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ready(self) -> None:
        """Wait until all have joined the room."""
        await self._answer()

    async def received(self) -> list[list[int]]:
        """Return the events that each client has received so far, in order."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"report\n")
        return json.loads(await self._answer())

    async def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client process exited")
        return line


@contextlib.asynccontextmanager
async def crowd(command: tuple[str, ...], urls: list[str]) -> AsyncIterator[Crowd]:
    """Run clients that connect to these URLs."""
    program, file = command
    process = await asyncio.create_subprocess_exec(
        program,
        str(CLIENTS / file),
        json.dumps({"room": ROOM, "urls": urls}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        await process.wait()


async def break_connection(proxy: Proxy, storm: Storm, chance: random.Random) -> int:
    """Break a connection repeatedly during the storm; return the number of cuts."""
    loop = asyncio.get_running_loop()
    end, cuts = loop.time() + storm.seconds, 0
    pause = chance.uniform(0, storm.calm[1])
    while loop.time() + pause < end:
        await asyncio.sleep(pause)
        proxy.refuse()
        proxy.cut()
        cuts += 1
        await asyncio.sleep(chance.uniform(*storm.away))
        proxy.accept()
        pause = chance.uniform(*storm.calm)
    return cuts


async def publish(server: str, storm: Storm) -> None:
    """Publish the events evenly over the storm, on a connection that does not break."""
    async with WebSocketClient(server, token="any token") as sender:
        for number in range(storm.events):
            await sender.emit("publish_one", {"room": ROOM, "text": str(number)})
            await asyncio.sleep(storm.seconds / storm.events)


async def settle(clients: Crowd, events: int) -> list[list[int]]:
    """Wait until every client has all events, at most `CATCH_UP` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CATCH_UP
    received = await clients.received()
    while loop.time() < deadline and any(len(set(numbers)) < events for numbers in received):
        await asyncio.sleep(0.5)
        received = await clients.received()
    return received


async def measure(system: System, storm: Storm, seed: int) -> Outcome:
    """Run a system through the storm, and count."""
    chance = random.Random(seed)
    with Subject(system.server.server) as subject:
        server = f"http://127.0.0.1:{subject.listening().port}"
        async with contextlib.AsyncExitStack() as stack:
            links = [await stack.enter_async_context(Proxy(server)) for _ in range(storm.clients)]
            urls = [link.url for link in links]
            clients = await stack.enter_async_context(crowd(system.clients, urls))
            await clients.ready()
            *cuts, _ = await asyncio.gather(
                *(break_connection(link, storm, random.Random(chance.random())) for link in links),
                publish(server, storm),
            )
            received = await settle(clients, storm.events)
    return judge(received, storm.events, sum(int(count or 0) for count in cuts))


def row(name: str, storm: Storm, outcome: Outcome) -> str:
    """Return a line of the table."""
    return (
        f"{name:28}{outcome.applied:9.3f} %{outcome.duplicates:12}{outcome.reorders:10}"
        f"{outcome.complete:10}/{storm.clients}{outcome.cuts:8}"
    )


def main() -> None:
    """Run every system through the storm, and print a table."""
    arguments = argparse.ArgumentParser(prog="benchmarks.storm", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="a smaller storm")
    arguments.add_argument("--seed", type=int, default=1, help="random seed of the storm")
    options: Any = arguments.parse_args()
    storm = SMALL_STORM if options.quick else FULL_STORM
    print(
        f"{storm.clients} clients, {storm.events} events in {storm.seconds:.0f} s, each link "
        f"cut every {storm.calm[0]:.0f} to {storm.calm[1]:.0f} s\n"
    )
    print(f"{'':28}{'applied':>11}{'duplicates':>12}{'reorders':>10}{'complete':>14}{'cuts':>8}")
    for system in SYSTEMS:
        outcome = asyncio.run(measure(system, storm, options.seed))
        print(row(system.name, storm, outcome), flush=True)


if __name__ == "__main__":
    main()
