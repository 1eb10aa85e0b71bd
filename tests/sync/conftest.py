"""A real server on a thread of its own; tests must not leave threads behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from longwire import Server
from longwire.server import issue_token, jwt_authenticator
from longwire.sync import WebSocketClient
from tests.proxy import Proxy
from tests.serving import SECRET, serving

Connect = Callable[..., WebSocketClient]


class Backend:
    """A server behind a proxy that can cut connections.

    Attributes:
        url: URL of the proxy.
    """

    def __init__(self) -> None:
        self._address: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._proxy: Proxy
        self._server: Server
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self.url = self._address.result()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = self._server = Server(authenticate=jwt_authenticator(SECRET), shared_jobs=True)
        async with serving(server, ws="websockets-sansio") as url, Proxy(url) as self._proxy:
            self._address.set_result(self._proxy.url)
            await self._stop.wait()

    def ask(self, event: str, *args: object) -> list[Any]:
        """Send an event to the only client; return its acknowledgement."""
        [socket] = self._server.sockets
        return asyncio.run_coroutine_threadsafe(socket.call(event, *args), self._loop).result()

    def cut(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Check that a test ends all its threads."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert not left, f"left behind: {left}"


@pytest.fixture
def backend(no_leaked_threads: None) -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def clients(backend: Backend) -> Iterator[Connect]:
    """Create connected clients, which are closed at the end."""
    made: list[WebSocketClient] = []

    def make(user: str = "ada", *, service: bool = False, **options: Any) -> WebSocketClient:
        token = issue_token(SECRET, user, service=service)
        settings = {"reconnection_delay": 0.01, "timeout": 5.0, "token": token} | options
        made.append(WebSocketClient(backend.url, **settings))
        made[-1].connect()
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(clients: Connect) -> WebSocketClient:
    return clients()


@pytest.fixture
def worker(clients: Connect) -> WebSocketClient:
    """A connected client with the `service` scope."""
    return clients("worker", service=True)
