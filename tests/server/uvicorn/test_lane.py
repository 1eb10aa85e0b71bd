"""The lane under uvicorn."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import pytest
import uvloop

from longwire import Server, anonymous
from longwire.server.uvicorn import lane
from longwire.websocket.frames import encode_text
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import HANDSHAKE, HTTP, PLAIN, serving

MASK = bytes(4)
CONNECT = encode_text('40{"token":"anybody"}', MASK)


async def sign_in_at_once() -> bytes:
    """Sign in without waiting for the response to the handshake; return what the server sends."""
    async with serving(Server(authenticate=anonymous), http=HTTP) as url:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(HANDSHAKE + CONNECT)
        try:
            async with asyncio.timeout(5):
                return await reader.readuntil(b'["authenticated"')
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_data_that_arrives_with_the_handshake_is_not_lost(run) -> None:
    assert run(sign_in_at_once()).startswith(b"HTTP/1.1 101")


async def test_the_http_protocol_works_with_another_websocket_implementation() -> None:
    async with (
        serving(Server(authenticate=anonymous), http=HTTP, ws=PLAIN) as url,
        websocket(url) as connection,
    ):
        await sign_in(connection, "anybody")
        assert await call(connection, "ping")


async def test_nagles_algorithm_is_disabled(monkeypatch) -> None:
    """It is enabled on a socket like that of uvicorn; each sign-in took 90 ms."""
    opened: list[lane.Lane] = []
    attach = lane.Lane.attach

    def remember(self: lane.Lane, session) -> None:
        opened.append(self)
        attach(self, session)

    monkeypatch.setattr(lane.Lane, "attach", remember)
    server = Server(authenticate=anonymous)
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, "anybody")
        assert await call(connection, "ping")
        [one] = opened
        assert one._transport is not None
        server_side = one._transport.get_extra_info("socket")
        assert server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
