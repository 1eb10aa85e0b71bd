"""What a new connection may cost: what it meets of uvicorn, and how often it asks the system."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from longwire.server.uvicorn.lane import Lane
from longwire.websocket import encode_request, encode_text
from tests.invariants.conftest import MASK, Counted, CountingTransport, House, settle
from tests.serving import HTTP, LANE

HANDSHAKE = encode_request(
    "/socket.io/?EIO=4&transport=websocket", "127.0.0.1", b"bG9uZ3dpcmUncyB0ZXN0cw=="
)


class AcceptedTransport(CountingTransport):
    """What the loop accepted; counts what it is asked, too."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        self.asked[name] += 1
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.asked["pause_reading"] += 1

    def resume_reading(self) -> None:
        pass


class Door:
    """Where connections come in, as under `longwire serve`."""

    def __init__(self, house: House) -> None:
        self._config = uvicorn.Config(house.server, http=HTTP, ws=LANE)
        self._config.load()
        self._state = ServerState()

    async def open(self) -> AcceptedTransport:
        """Open a WebSocket; returns the server's end once it was answered."""
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
def door(house: House) -> Door:
    return Door(house)


async def test_a_handshake_meets_no_http_protocol_and_is_answered_in_one_write(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together with the first packet of Engine.IO."""
    made = Counted(monkeypatch, HttpToolsProtocol, "__init__")
    transport = await door.open()
    assert made.calls == 0
    assert isinstance(transport.protocol, Lane)
    [answer] = transport.written
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert answer.count(b'0{"sid":') == 1


async def test_a_connection_that_joins_a_room_is_answered_in_three_writes(door: Door) -> None:
    transport = await door.open()
    for packet in ("40", '427["join_room","global"]'):
        transport.protocol.data_received(encode_text(packet, MASK))
        await settle()
    assert len(transport.written) == 3


async def test_a_connection_asks_the_system_for_its_socket_once(door: Door) -> None:
    """Its addresses are known by the transport; and reading it goes on."""
    transport = await door.open()
    assert transport.asked == {"peername": 1, "sockname": 1, "sslcontext": 1, "socket": 1}


async def test_a_connection_is_one_task(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application is asked in it; sign-in and join find tasks that are there already."""
    await door.open()
    tasks = Counted(monkeypatch, asyncio.get_running_loop(), "create_task")
    transport = await door.open()
    assert tasks.calls == 1
    transport.protocol.data_received(encode_text("40", MASK))
    await settle()
    tasks.calls = 0
    transport = await door.open()
    for packet in ("40", '427["join_room","global"]'):
        transport.protocol.data_received(encode_text(packet, MASK))
        await settle()
    assert tasks.calls == 1
