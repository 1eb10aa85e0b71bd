"""A log that cannot be reached for a while: nobody is left hanging, and everybody comes back."""

from __future__ import annotations

import asyncio

from longwire import Server, WebSocketClient, anonymous
from longwire.broker import MemoryBroker
from longwire.catalog import Announcement, JobCreated
from longwire.errors import BrokerUnavailable
from longwire.testing import History
from longwire.types import Position
from tests.interop.stock_clients import node_client
from tests.serving import serving


class PatchyBroker(MemoryBroker):
    """A broker that cannot tell where its logs end while `is_away`."""

    is_away = False

    def __init__(self) -> None:
        super().__init__()
        self.refused = asyncio.Event()

    async def position(self, room: str) -> Position:
        if self.is_away:
            self.refused.set()
            raise BrokerUnavailable("away")
        return await super().position(room)


async def test_a_stock_client_that_cannot_be_signed_in_comes_back_by_itself() -> None:
    broker = PatchyBroker()
    server = Server(broker=broker, authenticate=anonymous)
    async with serving(server) as url, node_client(["websocket"]) as client:
        broker.is_away = True
        await client.connect(url, None, reconnectionDelay=20, reconnectionDelayMax=50)
        await broker.refused.wait()
        assert await client.expect("disconnect") == ["transport close"]
        broker.is_away = False
        await client.expect("event", "authenticated")
        await server.publish(Announcement(message="heard", level="info"))
        assert (await client.expect("event", "announcement"))[0]["message"] == "heard"


async def test_a_job_whose_creation_is_said_again_is_announced_once() -> None:
    server, history = Server(authenticate=anonymous, shared_jobs=True), History()
    created = JobCreated(job_id="1", title="Only one")
    async with serving(server) as url, WebSocketClient(url, token="anybody") as client:
        history.reader("ada").follow(client, "global", "job:1")
        await client.join_room("global")
        await client.join_room("job:1")
        for _ in range(3):
            await history.publish(server, created, id="the same")
        announced = history.offer(created, room="global")
        history.acknowledge(announced, await server.broker.position("global"))
        await history.caught_up()
    assert history.check().applied == 2
