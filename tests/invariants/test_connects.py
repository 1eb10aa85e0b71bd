"""What a new connection costs in uvicorn objects, writes, system calls and tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from longwire.server.uvicorn.lane import Lane
from longwire.websocket.frames import encode_text
from tests.invariants.conftest import MASK, Counted, CountingTransport, ServerFixture, settle
from tests.serving import HANDSHAKE, HTTP, LANE


class AcceptedTransport(CountingTransport):
    """The transport of an accepted connection; counts the calls to it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        self.calls[name] += 1
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.calls["pause_reading"] += 1

    def resume_reading(self) -> None:
        pass


class Listener:
    """Opens connections as uvicorn does under `longwire serve`."""

    def __init__(self, fixture: ServerFixture) -> None:
        self._config = uvicorn.Config(fixture.server, http=HTTP, ws=LANE)
        self._config.load()
        self._state = ServerState()

    async def open(self) -> AcceptedTransport:
        """Open a WebSocket; return the server's transport after the handshake."""
        transport = AcceptedTransport()
        http: Any = self._config.http_protocol_class
        transport.protocol = http(
            config=self._config, server_state=self._state, app_state={}, _loop=None
        )
        transport.protocol.connection_made(transport)
        transport.protocol.data_received(HANDSHAKE)
        await settle()
        return transport


@pytest.fixture
def listener(fixture: ServerFixture) -> Listener:
    return Listener(fixture)


async def test_a_handshake_creates_no_http_protocol_and_is_one_write(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write also contains the first Engine.IO packet."""
    made = Counted(monkeypatch, HttpToolsProtocol, "__init__")
    transport = await listener.open()
    assert made.calls == 0
    assert isinstance(transport.protocol, Lane)
    [answer] = transport.written
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert answer.count(b'0{"sid":') == 1


async def test_connecting_and_joining_a_room_takes_three_writes(listener: Listener) -> None:
    transport = await listener.open()
    for packet in ("40", '427["join_room","global"]'):
        transport.protocol.data_received(encode_text(packet, MASK))
        await settle()
    assert len(transport.written) == 3


async def test_a_connection_reads_socket_details_once(listener: Listener) -> None:
    """It also never pauses reading."""
    transport = await listener.open()
    assert transport.calls == {"peername": 1, "sockname": 1, "sslcontext": 1, "socket": 1}


async def test_a_connection_creates_one_task(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task runs the application; sign-in and join reuse pooled tasks."""
    await listener.open()
    tasks = Counted(monkeypatch, asyncio.get_running_loop(), "create_task")
    transport = await listener.open()
    assert tasks.calls == 1
    transport.protocol.data_received(encode_text("40", MASK))
    await settle()
    tasks.calls = 0
    transport = await listener.open()
    for packet in ("40", '427["join_room","global"]'):
        transport.protocol.data_received(encode_text(packet, MASK))
        await settle()
    assert tasks.calls == 1
