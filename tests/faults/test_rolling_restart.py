"""Two nodes on one Redis restart in turn, under their clients and a publisher."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from longwire import WebSocketClient
from longwire.catalog import Announcement
from tests.proxy import Balancer
from tests.redis_server import RedisServer
from tests.serving import ServerProcess

ROOM = "global"
SHARE = 0.2
"""The largest part of the clients that may connect again within one second."""


class Reader:
    """A client, and the numbers that it received."""

    def __init__(self, url: str, token: str) -> None:
        self.client = WebSocketClient(url, token=token)
        self.numbers: list[int] = []
        self.reached = asyncio.Event()
        self.goal = -1
        self.client.on(Announcement, self._receive)
        self.returned: list[float] = []
        self.client.on("reconnect", self._receive_reconnect)
        self._is_connected = asyncio.Condition()

    async def _receive_reconnect(self, *_: object) -> None:
        self.returned.append(asyncio.get_running_loop().time())
        async with self._is_connected:
            self._is_connected.notify_all()

    async def until_connected(self) -> None:
        """Wait until the client is connected, without hastening it as `connect` would."""
        async with self._is_connected:
            await self._is_connected.wait_for(lambda: self.client.is_connected)

    def _receive(self, announcement: Announcement) -> None:
        self.numbers.append(int(announcement.message))
        if self.numbers[-1] == self.goal:
            self.reached.set()

    async def reach(self, number: int) -> None:
        """Wait until this number, which is the last, was received."""
        self.goal = number
        if not self.numbers or self.numbers[-1] != number:
            await self.reached.wait()


async def publish(client: WebSocketClient, stop: asyncio.Event) -> int:
    """Publish 0, 1, 2, … until `stop` is set; return the last number."""
    for number in itertools.count():
        await client.publish(Announcement(message=str(number)), room=ROOM, id=str(number))
        if stop.is_set():
            return number
        await asyncio.sleep(0.05)
    raise AssertionError


def busiest_second(moments: list[float]) -> int:
    """Return the largest number of moments within one second."""
    ordered = sorted(moments)
    ends = (bisect_left(ordered, moment + 1.0) for moment in ordered)
    return max((end - start for start, end in enumerate(ends)), default=0)


async def restart_each(
    nodes: tuple[ServerProcess, ServerProcess], clients: int, drain_seconds: float
) -> dict[str, float]:
    """Restart both nodes under load; check that nothing is lost, and return what was measured."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    async with (
        Balancer(*(node.url for node in nodes)) as balancer,
        WebSocketClient(balancer.url, token=nodes[0].token("worker", service=True)) as worker,
        AsyncExitStack() as stack,
    ):
        readers = [Reader(balancer.url, nodes[0].token(f"user-{n}")) for n in range(clients)]
        for start in range(0, clients, 50):
            await asyncio.gather(
                *[stack.enter_async_context(r.client) for r in readers[start : start + 50]]
            )
        publishing = asyncio.create_task(publish(worker, stop))
        measured: dict[str, float] = {}
        for name, node in zip("ab", nodes, strict=True):
            balancer.opened.clear()
            for reader in readers:
                reader.returned.clear()
            begun = loop.time()
            await asyncio.to_thread(node.stop, drain_seconds + 60)
            measured[f"{name} stopped after"] = loop.time() - begun
            await asyncio.to_thread(node.start)
            for reader in readers:
                await reader.until_connected()
            returns = [moment for reader in readers for moment in reader.returned]
            peak = busiest_second(returns)
            measured[f"{name} attempts"] = len(balancer.opened)
            measured[f"{name} reconnects"] = len(returns)
            measured[f"{name} busiest second"] = peak
            assert peak <= SHARE * clients, f"{peak} of {clients} clients in one second"
        stop.set()
        last = await publishing
        await asyncio.gather(*[reader.reach(last) for reader in readers])
        assert all(reader.numbers == readers[0].numbers for reader in readers)
        assert readers[0].numbers == list(range(last + 1))
        assert all(reader.client.health.rooms_reset == 0 for reader in readers)
    return measured | {"published": last + 1}


@pytest.mark.parametrize(
    ("clients", "drain_seconds"),
    [
        pytest.param(300, 15.0, marks=pytest.mark.timeout(300)),
        pytest.param(5000, 30.0, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
async def test_a_rolling_restart_loses_nothing_and_spreads_the_clients(
    clients: int, drain_seconds: float, tmp_path: Path
) -> None:
    """All clients of a node were disconnected within 0.2 s, and 60 % returned in one second."""
    drain = f"--drain-seconds={drain_seconds}"
    with (
        RedisServer(tmp_path, appendonly="yes", appendfsync="always") as redis,
        ServerProcess(f"--broker={redis.url}", drain) as a,
        ServerProcess(f"--broker={redis.url}", drain) as b,
    ):
        measured = await restart_each((a, b), clients, drain_seconds)
    print(measured)
    assert measured["a stopped after"] <= drain_seconds + 60
