"""Clients, a real server and a scripted one. No test may leave a task behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from longwire import CATALOG, Server, WebSocketClient
from longwire.client import ConnectionState
from longwire.server import issue_token, jwt_authenticator
from tests.client.peer import Peer, PeerSocket, connected
from tests.proxy import Proxy
from tests.serving import SECRET, serving

Connect = Callable[..., WebSocketClient]


@pytest.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"left behind: {left}"


@pytest.fixture
async def clients(no_leaked_tasks: None) -> AsyncIterator[Connect]:
    """Create clients that reconnect fast; disconnect them at the end."""
    made: list[WebSocketClient] = []

    def make(url: str, **options: Any) -> WebSocketClient:
        client = WebSocketClient(url, **{"reconnection_delay": 0.01, "timeout": 5.0} | options)
        made.append(client)
        return client

    yield make
    for client in made:
        await client.disconnect()


@pytest.fixture
async def peer(no_leaked_tasks: None) -> AsyncIterator[Peer]:
    async with Peer() as peer:
        yield peer


@pytest.fixture
async def client(peer: Peer, clients: Connect) -> WebSocketClient:
    """A client of the scripted server, not connected yet."""
    return clients(peer.url)


@pytest.fixture
async def socket(client: WebSocketClient, peer: Peer) -> PeerSocket:
    """The scripted server's end of the client's connection."""
    return await connected(client, peer)


@pytest.fixture
def server() -> Server:
    return Server(contract=CATALOG, authenticate=jwt_authenticator(SECRET), shared_jobs=True)


@pytest.fixture
async def url(server: Server, no_leaked_tasks: None) -> AsyncIterator[str]:
    """URL of the real server."""
    async with serving(server, ws="websockets-sansio") as url:
        yield url


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    """A proxy of the real server that can fail."""
    async with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def worker(url: str, clients: Connect) -> WebSocketClient:
    """A connected client with the scope `service`."""
    worker = clients(url, token=issue_token(SECRET, "worker", service=True))
    await worker.connect()
    return worker


@pytest.fixture
def token() -> str:
    return issue_token(SECRET, "ada")


async def until(client: WebSocketClient, state: ConnectionState) -> None:
    """Wait for a state."""
    reached = asyncio.Event()
    undo = client.on_state_change(lambda new: reached.set() if new is state else None)
    if client.state is not state:
        await reached.wait()
    undo()
