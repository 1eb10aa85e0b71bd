"""The lane's neighbours: whatever is not Longwire's stays uvicorn's, wherever it is served."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from longwire import Server, anonymous
from longwire.server.asgi import ASGIApp, Receive, Scope, Send
from tests.server.raw_websocket import receive, websocket
from tests.serving import serving


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def application(answer: Any) -> ASGIApp:
    """An application that is not ours, at every path."""

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


async def test_a_foreign_application_may_serve_the_path_of_socket_io() -> None:
    async with serving(application(echo)) as url, websocket(url) as connection:
        assert connection.response is not None
        assert connection.response.headers["x-from"] == "the application"
        for text in ("one", "two" * 100):
            await connection.send(text)
            assert await receive(connection) == text + "!"


async def test_another_path_is_uvicorns() -> None:
    async with serving(application(echo)) as url, websocket(f"{url}/elsewhere") as connection:
        await connection.send("one")
        assert await receive(connection) == "one!"


async def test_a_foreign_application_may_refuse() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async with serving(application(refuse)) as url:
        with pytest.raises(InvalidStatus, match="403"):
            async with websocket(url):
                pass


async def test_a_foreign_application_that_raises_is_a_server_error(capfd) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("a fault of the application")

    async with serving(application(fail)) as url:
        with pytest.raises(InvalidStatus, match="500"):
            async with websocket(url):
                pass
    assert "a fault of the application" in capfd.readouterr().err


async def test_a_foreign_application_that_decides_nothing_is_a_server_error(capfd) -> None:
    async def forget(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    async with serving(application(forget)) as url:
        with pytest.raises(InvalidStatus, match="500"):
            async with websocket(url):
                pass
    assert "without completing handshake" in capfd.readouterr().err


async def test_a_foreign_application_hears_that_the_peer_did_not_wait() -> None:
    asked = asyncio.Event()
    gone = asyncio.Event()
    heard = asyncio.get_running_loop().create_future()

    async def dawdle(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await gone.wait()
        heard.set_result(await receive())

    async with serving(application(dawdle)) as url:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: bG9uZ3dpcmUncyBiZW5jaA==\r\n\r\n"
        )
        await asked.wait()
        writer.transport.abort()
        gone.set()
        message = await heard
    assert message["type"] in ("websocket.connect", "websocket.disconnect")


async def test_a_handshake_that_is_none_is_refused_as_uvicorn_does() -> None:
    async with serving(Server(authenticate=anonymous)) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"
            b"Sec-WebSocket-Key: bG9uZ3dpcmUncyBiZW5jaA==\r\n\r\n"
        )
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
