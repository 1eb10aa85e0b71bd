"""Rooms whose logs are short, or unavailable for a while, on a real server."""

from __future__ import annotations

import asyncio

from longwire import Server, WebSocketClient
from longwire.broker import MemoryBroker
from longwire.catalog import Announcement
from longwire.client import ConnectionState, RoomReset, RoomStatus
from longwire.errors import BrokerUnavailable
from longwire.log.publication import History
from longwire.log.retention import RetentionLimits
from longwire.server import issue_token, jwt_authenticator
from longwire.types import Position
from tests.client.conftest import Connect, until
from tests.proxy import Proxy
from tests.serving import SECRET, serving

ROOM = "global"


def server_with(broker: MemoryBroker) -> Server:
    return Server(broker=broker, authenticate=jwt_authenticator(SECRET))


async def say(server: Server, *words: str) -> Position:
    for word in words:
        position = await server.publish(Announcement(message=word))
    return position


class Words:
    """Records announcements and resets."""

    def __init__(self, client: WebSocketClient) -> None:
        self.received: list[str] = []
        self._changed = asyncio.Event()
        client.on((Announcement, RoomReset), self._hear)

    def _hear(self, event: Announcement | RoomReset) -> None:
        self.received.append("reset" if isinstance(event, RoomReset) else event.message)
        self._changed.set()

    async def until(self, *expected: str) -> None:
        while self.received != list(expected):
            self._changed.clear()
            await self._changed.wait()


async def test_a_log_of_one_entry_is_joined_and_resumed_without_a_false_gap(
    clients: Connect,
) -> None:
    broker = MemoryBroker(retention=RetentionLimits(max_entries=1))
    server = server_with(broker)
    async with serving(server) as url, Proxy(url) as proxy:
        await say(server, "a", "b", "c")
        client = clients(proxy.url, token=issue_token(SECRET, "ada"))
        words = Words(client)
        await client.connect()
        await words.until("c")
        assert client.position(ROOM) == await broker.position(ROOM)
        assert client.room_status(ROOM) is RoomStatus.LIVE

        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        await until(client, ConnectionState.CONNECTED)
        end = await say(server, "d")
        await words.until("c", "d")
        assert client.position(ROOM) == end
        assert (client.health.rooms_resumed, client.health.rooms_reset) == (2, 0)

        proxy.refuse()
        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        end = await say(server, "e", "f", "g")  # e and f are gone when it comes back
        proxy.accept()
        await words.until("c", "d", "reset", "g")
        assert client.position(ROOM) == end


async def test_a_log_that_retains_nothing_becomes_live(clients: Connect) -> None:
    class Forgetful(MemoryBroker):
        async def read(self, room: str, since: Position | None = None, **bounds: int) -> History:
            history = await super().read(room, since, **bounds)
            at_end = since == history.position
            return History(history.position, recovered=at_end, publications=(), complete=True)

    server = server_with(Forgetful())
    async with serving(server) as url, Proxy(url) as proxy:
        await say(server, "a", "b")
        client = clients(proxy.url, token=issue_token(SECRET, "ada"))
        words = Words(client)
        live = asyncio.Semaphore(0)
        client.on("@live", lambda _: live.release(), room=ROOM)
        await client.connect()
        await live.acquire()

        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        await live.acquire()
        end = await say(server, "c", "d")
        await words.until("c", "d")
        assert client.position(ROOM) == end
        assert client.health.rooms_reset == 0


async def test_an_unavailable_log_delays_only_its_room(
    clients: Connect,
) -> None:
    class Failing(MemoryBroker):
        is_down = False

        async def read(self, room: str, since: Position | None = None, **bounds: int) -> History:
            if self.is_down:
                raise BrokerUnavailable("memory is elsewhere")
            return await super().read(room, since, **bounds)

    broker = Failing()
    server = server_with(broker)
    async with serving(server) as url, Proxy(url) as proxy:
        client = clients(proxy.url, token=issue_token(SECRET, "ada"))
        words = Words(client)
        await say(server, "a")
        await client.connect()
        await words.until("a")

        broker.is_down = True
        proxy.refuse()
        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        await say(server, "b")
        proxy.accept()
        await until(client, ConnectionState.CONNECTED)
        assert client.room_status(ROOM) is RoomStatus.LOST
        assert await client.ping() < 5
        broker.is_down = False
        await words.until("a", "b")
        assert client.room_status(ROOM) is RoomStatus.LIVE
        assert client.health.rooms_reset == 0
