"""Many concurrent publishers of every kind, and readers that join late and are disconnected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection

from longwire import Server, WebSocketClient
from longwire.broker import open_broker
from longwire.catalog import JobOutput
from longwire.integrations.fastapi import mount
from longwire.schema import Event
from longwire.testing import History, authenticate_by_name
from longwire.testing.history import Publisher
from longwire.types import Position
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.server.raw_websocket import receive, sign_in, websocket
from tests.serving import serving

PUBLISHERS = 12
READERS = 4
JOBS = ["a", "b", "c"]
EACH = 20
ROOMS = [f"job:{job}" for job in JOBS]
CUTS = 3  # after each reader that joins


class HTTPPublisher:
    """Publishes by HTTP requests."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        headers = {"Authorization": "Bearer service:http"}
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, headers=headers, timeout=20)
        stack.push_async_callback(self.http.aclose)

    async def publish(
        self, event: Event, *, room: str | None = None, id: str | None = None
    ) -> Position:
        body = {"event": "job:output", "data": msgspec.to_builtins(event), "id": id}
        answer = await self.http.post("/api/publish", json=body)
        assert answer.status_code == 200, answer.text
        return Position(answer.json()["epoch"], answer.json()["offset"])


@pytest.fixture(params=["memory", "sqlite", "redis"])
def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """The broker of each node."""
    if request.param == "redis":
        with RedisServer() as redis:
            yield [redis.url, redis.url]
    else:
        yield ["memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/logs.db"]


class Cluster:
    """Nodes, each with a proxy; they end with the exit stack."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.servers: list[Server] = []
        self.urls: list[str] = []
        self.proxies: list[Proxy] = []

    async def add_node(self, broker: str) -> None:
        server = Server(
            broker=open_broker(broker), authenticate=authenticate_by_name, shared_jobs=True
        )
        app = FastAPI()
        mount(app, server)
        url = await self.stack.enter_async_context(serving(app))
        self.servers.append(server)
        self.urls.append(url)
        self.proxies.append(await self.stack.enter_async_context(Proxy(url)))

    async def publisher(self, number: int) -> Publisher:
        """Return a publisher: an HTTP client, a WebSocket client or a server, in turn."""
        node = number % len(self.urls)
        if number % 3 == 0:
            return HTTPPublisher(self.urls[node], self.stack)
        if number % 3 == 1:
            return await self.client(self.urls[node], "service:worker")
        return self.servers[node]

    async def client(self, url: str, token: str) -> WebSocketClient:
        client = WebSocketClient(
            url, token=token, reconnection_delay=0.05, reconnection_delay_max=0.1
        )
        return await self.stack.enter_async_context(client)

    async def follow(self, history: History, number: int) -> None:
        """Add a reader of all rooms from their start."""
        client = await self.client(self.proxies[number % len(self.proxies)].url, "reader")
        history.reader(f"reader {number}").follow(client, *ROOMS)
        for room in ROOMS:
            client.join_room(room)


async def read_output(connection: ClientConnection, texts: dict[str, str], end: int) -> None:
    """Read as a stock client until `end` chunks have arrived."""
    while sum(text.count(";") for text in texts.values()) < end:
        message = str(await receive(connection))
        if message.startswith('42["job:output"'):
            output = json.loads(message[2:])[1]
            texts[output["jobId"]] += output["chunk"]


@pytest.mark.timeout(60)
async def test_every_reader_receives_everything_once_and_in_order(brokers: list[str]) -> None:
    history, choice = History(), Random(7)
    async with AsyncExitStack() as stack:
        cluster = Cluster(stack)
        for broker in brokers:
            await cluster.add_node(broker)

        async def publish(number: int) -> None:
            publisher = await cluster.publisher(number)
            for count in range(EACH):
                event = JobOutput(job_id=choice.choice(JOBS), chunk=f"{number}.{count};")
                await history.publish(publisher, event)

        async def disturb() -> None:
            for number in range(READERS):
                await cluster.follow(history, number)
                for _ in range(CUTS):
                    await asyncio.sleep(0.05)
                    choice.choice(cluster.proxies).cut()

        stock = await stack.enter_async_context(websocket(cluster.urls[-1]))
        await sign_in(stock, "stock")
        for room in ROOMS:
            await stock.send(f"42{json.dumps(['join_room', room])}")
        texts = dict.fromkeys(JOBS, "")
        reading = asyncio.create_task(read_output(stock, texts, PUBLISHERS * EACH))
        await asyncio.gather(disturb(), *(publish(number) for number in range(PUBLISHERS)))
        await reading
        await history.caught_up()

        assert history.check().published == PUBLISHERS * EACH
        for job, room in zip(JOBS, ROOMS, strict=True):
            log = await cluster.servers[0].broker.read(room, limit=1000)
            kept = [msgspec.json.decode(entry.data)["chunk"] for entry in log.publications]
            assert texts[job] == "".join(kept)
