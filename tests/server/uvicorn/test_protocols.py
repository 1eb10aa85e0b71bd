"""WebSockets of other applications stay with uvicorn, at every path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from longwire import Server, anonymous
from longwire.server.scope import ASGIApp, Receive, Scope, Send
from longwire.websocket.frames import encode_text
from tests.server.raw_websocket import receive, websocket
from tests.serving import HANDSHAKE, HTTP, PLAIN, serving

MASK = bytes(4)

Serving = Callable[[ASGIApp], contextlib.AbstractAsyncContextManager[str]]


@pytest.fixture(params=["httptools", "h11", HTTP], ids=["httptools", "h11", "longwire"])
def served(request: pytest.FixtureRequest) -> Serving:
    """Serves with each HTTP protocol that can read the handshake."""
    return lambda app: serving(app, http=request.param)


@contextlib.asynccontextmanager
async def connection_to(
    url: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(5):
            yield reader, writer
    finally:
        writer.transport.abort()


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def application(answer: Any) -> ASGIApp:
    """An application other than a Longwire server, at every path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await answer(scope, receive, send)

    return app


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "headers": [(b"x-from", b"the application")]})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"] + "!"})


async def test_another_application_may_serve_the_path_of_socket_io(served: Serving) -> None:
    async with served(application(echo)) as url, websocket(url) as connection:
        assert connection.response is not None
        assert connection.response.headers["x-from"] == "the application"
        for text in ("one", "two" * 100):
            await connection.send(text)
            assert await receive(connection) == text + "!"


async def test_another_path_is_served_by_uvicorn(served: Serving) -> None:
    async with served(application(echo)) as url, websocket(f"{url}/elsewhere") as connection:
        await connection.send("one")
        assert await receive(connection) == "one!"


async def test_another_application_may_reject(served: Serving) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async with served(application(refuse)) as url:
        with pytest.raises(InvalidStatus, match="403"):
            async with websocket(url):
                pass


async def test_another_application_that_raises_is_a_server_error(served: Serving, capfd) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("an error of the application")

    async with served(application(fail)) as url:
        with pytest.raises(InvalidStatus, match="500"):
            async with websocket(url):
                pass
    assert "an error of the application" in capfd.readouterr().err


async def test_another_application_that_returns_without_an_answer_is_a_server_error(
    served: Serving, capfd
) -> None:
    async def forget(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    async with served(application(forget)) as url:
        with pytest.raises(InvalidStatus, match="500"):
            async with websocket(url):
                pass
    assert "without completing handshake" in capfd.readouterr().err


async def test_another_application_is_notified_that_the_peer_disconnected(served: Serving) -> None:
    called = asyncio.Event()
    gone = asyncio.Event()
    received = asyncio.get_running_loop().create_future()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        called.set()
        await gone.wait()
        received.set_result(await receive())

    async with served(application(wait)) as url, connection_to(url) as (_, writer):
        writer.write(HANDSHAKE)
        await called.wait()
        writer.transport.abort()
        gone.set()
        message = await received
    assert message["type"] in ("websocket.connect", "websocket.disconnect")


async def test_an_invalid_handshake_is_rejected_as_by_uvicorn(served: Serving) -> None:
    old = HANDSHAKE.replace(b"sec-websocket-version: 13", b"sec-websocket-version: 12")
    async with (
        served(Server(authenticate=anonymous)) as url,
        connection_to(url) as (reader, writer),
    ):
        writer.write(old)
        assert (await reader.readline()).split()[1] == b"400"


async def test_a_handshake_may_arrive_in_pieces(served: Serving) -> None:
    async with (
        served(Server(authenticate=anonymous)) as url,
        connection_to(url) as (reader, writer),
    ):
        for piece in (HANDSHAKE[:10], HANDSHAKE[10:60], HANDSHAKE[60:-1], HANDSHAKE[-1:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        assert (await reader.readuntil(b'0{"sid"')).startswith(b"HTTP/1.1 101")


async def test_a_handshake_may_follow_other_requests(served: Serving) -> None:
    async with (
        served(Server(authenticate=anonymous)) as url,
        connection_to(url) as (reader, writer),
    ):
        writer.write(b"GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nNot Found")).startswith(b"HTTP/1.1 404")
        writer.write(HANDSHAKE)
        assert (await reader.readuntil(b'0{"sid"')).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("app", ["longwire", "other"])
async def test_data_sent_before_the_response_to_the_handshake_is_not_lost(
    served: Serving, app: str
) -> None:
    called, sent = asyncio.Event(), asyncio.Event()
    server = Server(authenticate=anonymous)

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        called.set()
        await sent.wait()
        await (server if app == "longwire" else echo)(scope, receive, send)

    async with server, served(application(wait)) as url, connection_to(url) as (reader, writer):
        writer.write(HANDSHAKE)
        await called.wait()
        for byte in encode_text("40", MASK):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)
        sent.set()
        answer = b'40{"sid"' if app == "longwire" else b"40!"
        assert (await reader.readuntil(answer)).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_scope_has_the_addresses(host: str) -> None:
    """With every HTTP protocol; they come from the transport, without a system call."""
    addresses: list[Any] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        addresses.append((scope["client"], scope["server"]))
        await echo(scope, receive, send)

    for options in ({"http": "httptools", "ws": PLAIN}, {"http": "httptools"}, {"http": HTTP}):
        async with serving(application(note), host=host, **options) as url:
            address = urlsplit(url)
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            mine = writer.get_extra_info("sockname")[:2], writer.get_extra_info("peername")[:2]
            writer.transport.abort()
        assert addresses.pop() == mine
