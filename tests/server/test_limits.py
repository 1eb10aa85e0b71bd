"""Limits on one client, at the wire."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from longwire import Server, anonymous
from longwire.server import Limits, Socket
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import call, expect, receive, sign_in, websocket
from tests.serving import HANDSHAKE, HTTP, LANE, PLAIN, serving

BOTH = pytest.mark.parametrize("ws", [LANE, PLAIN], ids=["lane", "asgi"])


@BOTH
async def test_sessions_that_have_not_signed_in_are_limited(ws: str) -> None:
    server = Server(authenticate=anonymous, limits=Limits(sessions_signing_in=3))
    async with (
        serving(server, ws=ws) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        websocket(url) as first,
        websocket(url),
    ):
        await RawPolling(http).open()
        refused = await http.get("/socket.io/?EIO=4&transport=polling")
        assert (refused.status_code, refused.json()["message"]) == (503, "Too many sessions")
        async with websocket(url) as another:
            assert [message async for message in another] == []
        await sign_in(first, "anybody")
        async with websocket(url) as one_more:
            await sign_in(one_more, "anybody")


async def test_a_session_has_a_secret_of_128_bits(url: str, polling: RawPolling) -> None:
    await polling.open()
    assert len(polling.handshake["sid"]) * 6 >= 128


@pytest.mark.parametrize(
    "sid",
    ["__proto__", "constructor", "%00", "%0d%0aX-Evil:%201", "../../etc/passwd", "a" * 60_000],
    ids=lambda sid: sid[:20],
)
async def test_an_invalid_session_id_is_unknown(http: httpx.AsyncClient, sid: str) -> None:
    for method in ("GET", "POST"):
        answer = await http.request(method, f"/socket.io/?EIO=4&transport=polling&sid={sid}")
        assert (answer.status_code, answer.json()["code"]) == (400, 1)
        assert "x-evil" not in answer.headers
    address = f"{http.base_url}".replace("http", "ws", 1)
    with pytest.raises(InvalidStatus, match=r"40[03]"):
        async with connect(
            f"{address}/socket.io/?EIO=4&transport=websocket&sid={sid[:1000]}", proxy=None
        ):
            pass


@BOTH
async def test_a_client_that_sends_too_fast_is_read_more_slowly_without_loss(ws: str) -> None:
    rate, burst, count = 200, 500, 600
    received: list[int] = []
    server = Server(authenticate=anonymous, limits=Limits(events_per_second=rate))

    @server.on("count")
    async def count_up(args: list[object], socket: Socket) -> int:
        received.append(int(str(args[0])))
        return received[-1]

    loop = asyncio.get_running_loop()
    async with serving(server, ws=ws) as url, websocket(url) as client:
        await sign_in(client, "anybody")
        started = loop.time()
        for number in range(count):
            if number == burst:  # a burst is read at once, but its time minus a second has to pass
                await expect(client, f"43{burst - 1}[")
            await client.send(f"42{number}" + json.dumps(["count", number]))
        await expect(client, f"43{count - 1}[")
        taken = loop.time() - started
    assert received == list(range(count))
    assert taken >= burst / rate - 1


async def test_websocket_pings_create_no_task(url: str) -> None:
    """The reader answers each with one pong."""
    async with websocket(url, ping_interval=None) as client:
        await receive(client)
        before = len(asyncio.all_tasks())
        pongs = [await client.ping(str(number)) for number in range(1000)]
        most = len(asyncio.all_tasks())
        await asyncio.gather(*pongs)
    assert most <= before + 5


async def test_an_unsolicited_pong_is_ignored(url: str, token: str) -> None:
    async with websocket(url) as client:
        await sign_in(client, token)
        for _ in range(1000):
            await client.send("3")
        assert await call(client, "ping")


@BOTH
async def test_rejected_namespaces_use_no_memory(ws: str) -> None:
    server = Server(authenticate=anonymous)
    async with serving(server, ws=ws) as url, websocket(url) as client:
        await sign_in(client, "anybody")
        for number in range(2000):
            await client.send(f"40/{number},")
            assert await receive(client) == f'44/{number},{{"message":"Invalid namespace"}}'
        [socket] = server.sockets
        assert await call(client, "ping")
    assert not socket.is_open


async def test_a_lane_does_not_compress() -> None:
    """A message that is small on the wire is small in memory, too."""
    async with serving(Server(authenticate=anonymous), http=HTTP) as url:
        address = urlsplit(url)
        offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(HANDSHAKE[:-2] + offer)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    assert b" 101 " in head
    assert b"extensions" not in head.lower()


def test_a_rate_of_zero_raises() -> None:
    """The first event of each client closed its connection: division by zero."""
    with pytest.raises(ValueError, match="events_per_second"):
        Limits(events_per_second=0)
