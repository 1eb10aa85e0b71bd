"""The client with a stock python-socketio server: no positions, no `authenticated`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio

from longwire import WebSocketClient
from longwire.catalog import JobProgress
from longwire.client import ConnectionState, RoomStatus
from longwire.errors import ConnectionRefused, NotConnected
from tests.client.conftest import Connect, until
from tests.proxy import Proxy
from tests.serving import serving

PROGRESS = {"jobId": "1", "progress": 5, "currentStep": "x", "timestamp": 1}


class StockServer:
    """A chat server as in the documentation of python-socketio."""

    def __init__(self) -> None:
        self.io = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
        self.app = socketio.ASGIApp(self.io)
        self.left = asyncio.Event()
        self.io.on("connect", self.connect)
        self.io.on("join_room", self.join)
        self.io.on("leave_room", self.leave)
        self.io.on("add", self.add)

    async def connect(self, sid: str, environ: dict[str, Any], auth: dict[str, Any]) -> None:
        if auth.get("token") == "wrong":
            raise socketio.exceptions.ConnectionRefusedError("not you")

    async def join(self, sid: str, room: str) -> None:
        await self.io.enter_room(sid, room)
        await self.io.emit("job:progress", PROGRESS, to=room)

    async def leave(self, sid: str, room: str) -> None:
        await self.io.leave_room(sid, room)
        self.left.set()

    async def add(self, sid: str, left: int, right: int) -> int:
        return left + right


@pytest.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind, except the stock server's own tasks."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert all("AsyncSocket" in str(task.get_coro()) for task in left), f"left behind: {left}"


@pytest.fixture
async def stock(no_leaked_tasks: None) -> AsyncIterator[tuple[StockServer, Proxy]]:
    server = StockServer()
    async with serving(server.app, ws="websockets-sansio") as url, Proxy(url) as proxy:
        yield server, proxy
        await server.io.shutdown()


@pytest.fixture
async def client(stock: tuple[StockServer, Proxy], clients: Connect) -> WebSocketClient:
    client = clients(stock[1].url)
    await client.connect()
    return client


async def test_a_stock_server_connects_without_authenticated(client: WebSocketClient) -> None:
    assert client.is_connected
    assert client.user_id is None
    with pytest.raises(NotConnected):
        await client.ping()


async def test_events_acks_and_binary(
    client: WebSocketClient, stock: tuple[StockServer, Proxy]
) -> None:
    assert await client.call("add", 2, 3) == 5
    received: asyncio.Queue[Any] = asyncio.Queue()
    client.on("blob", received.put_nowait)
    await stock[0].io.emit("blob", b"\x00\x01")
    assert await received.get() == b"\x00\x01"


async def test_rooms_are_joined_again_after_a_drop(
    client: WebSocketClient, stock: tuple[StockServer, Proxy]
) -> None:
    received: asyncio.Queue[JobProgress] = asyncio.Queue()
    client.on(JobProgress, received.put_nowait, room="job:1")
    result = await client.join_room("job:1")
    assert (result.epoch, result.status) == ("", RoomStatus.LIVE)
    assert (await received.get()).progress == 5
    stock[1].cut()
    await until(client, ConnectionState.RECONNECTING)
    await until(client, ConnectionState.CONNECTED)
    assert (await received.get()).progress == 5
    client.leave_room("job:1")
    await stock[0].left.wait()


async def test_a_rejection_by_a_stock_server_raises(
    stock: tuple[StockServer, Proxy], clients: Connect
) -> None:
    client = clients(stock[1].url, token="wrong")
    with pytest.raises(ConnectionRefused, match="not you"):
        await client.connect()
