"""Who has heard everything after a storm: links that break and come back, while events go out.

    python -m benchmarks.storm                 three minutes
    python -m benchmarks.storm --quick         one minute, a smaller storm

Every client reaches its server through a link of its own. Each link breaks every 10 to 20 s and
stays away for about 2 s, and the client is left to come back as it likes. The servers and clients
are configured as their documents advise, WebSocket only. A client has applied an event when its
handler was called with it.
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
PATIENCE = 10.0  # seconds after the storm in which clients may still catch up


class System(NamedTuple):
    """A server and the clients that weather the storm."""

    name: str
    server: Peer
    clients: tuple[str, ...]


SYSTEMS = (
    System("Longwire, Python client", LONGWIRE, (sys.executable, "longwire_client.py")),
    System("Longwire, TypeScript client", LONGWIRE, ("node", "longwire_client.mjs")),
    System("python-socketio", PYTHON_SOCKETIO, (sys.executable, "python_socketio_client.py")),
    System("Node socket.io", NODE, ("node", "socketio_client.mjs")),
)


class Weather(NamedTuple):
    """How bad the storm is.

    Attributes:
        clients: how many there are.
        events: how many go out.
        seconds: for how long.
        calm: seconds between two cuts of one link, from and to.
        away: seconds for which a link is broken, from and to.
    """

    clients: int = 300
    events: int = 120
    seconds: float = 40.0
    calm: tuple[float, float] = (10.0, 20.0)
    away: tuple[float, float] = (1.5, 2.5)


STORM = Weather()
SQUALL = Weather(clients=60, events=60, seconds=12.0, calm=(4.0, 8.0), away=(0.8, 1.2))


class Outcome(NamedTuple):
    """What the clients of one system have applied.

    Attributes:
        applied: per cent of what every client should have.
        duplicates: events applied again.
        reorders: events applied after a later one.
        complete: clients that have everything.
        cuts: links that broke.
    """

    applied: float
    duplicates: int
    reorders: int
    complete: int
    cuts: int


def judge(heard: list[list[int]], events: int, cuts: int) -> Outcome:
    """Count what was lost, doubled and swapped."""
    unique = [set(numbers) for numbers in heard]
    return Outcome(
        applied=100 * sum(map(len, unique)) / (events * len(heard)),
        duplicates=sum(len(numbers) - len(set(numbers)) for numbers in heard),
        reorders=sum(map(count_reorders, heard)),
        complete=sum(len(numbers) == events for numbers in unique),
        cuts=cuts,
    )


def count_reorders(numbers: list[int]) -> int:
    """Events that came for the first time, but after a later one."""
    newest, reorders, seen = -1, 0, set[int]()
    for number in numbers:
        reorders += number < newest and number not in seen
        newest = max(newest, number)
        seen.add(number)
    return reorders


class Crowd:
    """Many clients in one process, each with its own address."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ready(self) -> None:
        """Wait until all have joined the room."""
        await self._answer()

    async def heard(self) -> list[list[int]]:
        """Ask what each has applied so far, in order."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"report\n")
        return json.loads(await self._answer())

    async def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the clients ended")
        return line


@contextlib.asynccontextmanager
async def crowd(command: tuple[str, ...], urls: list[str]) -> AsyncIterator[Crowd]:
    """Run clients that connect to these addresses."""
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


async def rage(proxy: Proxy, weather: Weather, chance: random.Random) -> int:
    """Break a link again and again for as long as the storm lasts; returns how often."""
    loop = asyncio.get_running_loop()
    end, cuts = loop.time() + weather.seconds, 0
    pause = chance.uniform(0, weather.calm[1])
    while loop.time() + pause < end:
        await asyncio.sleep(pause)
        proxy.refuse()
        proxy.cut()
        cuts += 1
        await asyncio.sleep(chance.uniform(*weather.away))
        proxy.accept()
        pause = chance.uniform(*weather.calm)
    return cuts


async def tell(server: str, weather: Weather) -> None:
    """Send the events, evenly over the storm, on a link that does not break."""
    async with WebSocketClient(server, token="anybody") as teller:
        for number in range(weather.events):
            await teller.emit("tell", {"room": ROOM, "text": str(number)})
            await asyncio.sleep(weather.seconds / weather.events)


async def settle(clients: Crowd, events: int) -> list[list[int]]:
    """Wait until every client has everything, or for as long as patience lasts."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    heard = await clients.heard()
    while loop.time() < deadline and any(len(set(numbers)) < events for numbers in heard):
        await asyncio.sleep(0.5)
        heard = await clients.heard()
    return heard


async def weather_the_storm(system: System, weather: Weather, seed: int) -> Outcome:
    """Start a system, let the storm pass over it, and count."""
    chance = random.Random(seed)
    with Subject(system.server.server) as subject:
        server = f"http://127.0.0.1:{subject.listening().port}"
        async with contextlib.AsyncExitStack() as stack:
            links = [await stack.enter_async_context(Proxy(server)) for _ in range(weather.clients)]
            urls = [link.url for link in links]
            clients = await stack.enter_async_context(crowd(system.clients, urls))
            await clients.ready()
            *cuts, _ = await asyncio.gather(
                *(rage(link, weather, random.Random(chance.random())) for link in links),
                tell(server, weather),
            )
            heard = await settle(clients, weather.events)
    return judge(heard, weather.events, sum(int(count or 0) for count in cuts))


def row(name: str, weather: Weather, outcome: Outcome) -> str:
    """One line of the table."""
    return (
        f"{name:28}{outcome.applied:9.3f} %{outcome.duplicates:12}{outcome.reorders:10}"
        f"{outcome.complete:10}/{weather.clients}{outcome.cuts:8}"
    )


def main() -> None:
    """Let the storm pass over every system and print one table."""
    arguments = argparse.ArgumentParser(prog="benchmarks.storm", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="a smaller storm")
    arguments.add_argument("--seed", type=int, default=1, help="another storm of the same kind")
    options: Any = arguments.parse_args()
    weather = SQUALL if options.quick else STORM
    print(
        f"{weather.clients} clients, {weather.events} events in {weather.seconds:.0f} s, each link "
        f"cut every {weather.calm[0]:.0f} to {weather.calm[1]:.0f} s\n"
    )
    print(f"{'':28}{'applied':>11}{'duplicates':>12}{'reorders':>10}{'complete':>14}{'cuts':>8}")
    for system in SYSTEMS:
        outcome = asyncio.run(weather_the_storm(system, weather, options.seed))
        print(row(system.name, weather, outcome), flush=True)


if __name__ == "__main__":
    main()
