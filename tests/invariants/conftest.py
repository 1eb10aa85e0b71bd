"""A server whose clients use transports that only record writes, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.engineio.server import Options
from longwire.server.access.rules import is_signed_in
from longwire.server.session.session import Session
from longwire.server.uvicorn.lane import Lane
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_text

MASK = bytes(4)


class CountingTransport(asyncio.Transport):
    """Records every object that is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def close(self) -> None:
        pass


class FakeClient:
    """The socket side of one connection: sends packets and records what the server writes."""

    def __init__(self, fixture: ServerFixture) -> None:
        self.transport = CountingTransport()
        self.lane = Lane(FrameDecoder("server", 1_000_000), 5.0)
        self.lane.open(self.transport, set())
        self.session: Session = fixture.sessions.open("websocket", "127.0.0.1")
        self.lane.attach(self.session)
        self.session.open_websocket(self.lane)
        self.lane.answer(b"", self.session.engine.messages_to_send())

    def send(self, packet: str) -> None:
        self.lane.data_received(encode_text(packet, MASK))

    @property
    def written(self) -> list[bytes]:
        return self.transport.written


class ServerFixture:
    """A server and its connected clients."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sessions = server._sessions
        self.clients: list[FakeClient] = []

    async def connect(self, count: int, *rooms: str, positions: bool = False) -> list[FakeClient]:
        """Connect clients that join `rooms`, and without `positions` those of their user too."""
        clients = [FakeClient(self) for _ in range(count)]
        for client in clients:
            client.send("40" + json.dumps({"token": "any token", "positions": positions}))
            for room in rooms:
                await settle()
                client.send("427" + json.dumps(["join_room", room]))
        await settle()
        self.clients += clients
        self.clear()
        return clients

    def clear(self) -> None:
        """Discard what was written so far."""
        for client in self.clients:
            client.written.clear()


class Counted:
    """Counts the calls of a function without changing what it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.calls = 0
        original = getattr(owner, name)

        def counting(*args, **options):
            self.calls += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counting)


async def settle() -> None:
    """Run all callbacks and tasks that are ready."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def fixture() -> AsyncIterator[ServerFixture]:
    # A short interval, so that the test of heartbeats does not wait long for one.
    server = Server(
        broker=MemoryBroker(), authenticate=anonymous, options=Options(ping_interval=0.3)
    )
    server.rule("campaign:{campaign_id}")(is_signed_in)
    async with server:
        yield ServerFixture(server)
