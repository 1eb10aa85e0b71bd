"""A client that asks and asks and never reads an answer."""

from __future__ import annotations

import asyncio
import json
import socket
from urllib.parse import urlsplit

from longwire import Server, anonymous
from longwire.server import Limits
from longwire.server.uvicorn import lane
from longwire.websocket import encode_request, encode_text
from tests.serving import PLAIN, serving

KEY = b"bG9uZ3dpcmUncyB0ZXN0cw=="
MASK = bytes(4)
QUESTION = encode_text(f'420["join_room",{json.dumps("x" * 150)}]', MASK)
AT_ONCE = 2000
BATCHES = 60


def deaf_socket(url: str) -> socket.socket:
    """Connect with as small a window as the system allows, and read nothing."""
    address = urlsplit(url)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    client.setblocking(False)
    return client


async def test_answers_that_nobody_reads_do_not_pile_up(monkeypatch) -> None:
    lanes: list[lane.Lane] = []
    attach = lane.Lane.attach

    def remember(self: lane.Lane, session) -> None:
        lanes.append(self)
        attach(self, session)

    monkeypatch.setattr(lane.Lane, "attach", remember)
    server = Server(authenticate=anonymous, limits=Limits(events_per_second=10**6))
    async with serving(server) as url:
        with deaf_socket(url) as client:
            await sign_in(client)
            asking = asyncio.create_task(ask(client))
            [one] = lanes
            largest = 0
            while not asking.done():
                assert one._transport is not None
                largest = max(largest, one._transport.get_write_buffer_size())
                await asyncio.sleep(0.01)
            assert one.stalled
            assert largest <= 2 * 1024 * 1024


async def test_nor_do_they_over_plain_asgi() -> None:
    """There, the answers waited in a queue that had no end."""
    server = Server(authenticate=anonymous, limits=Limits(events_per_second=10**6))
    async with serving(server, ws=PLAIN) as url:
        with deaf_socket(url) as client:
            await sign_in(client)
            asking = asyncio.create_task(ask(client))
            [one] = server.sockets
            assert one.writer is not None
            waiting = 0
            while not asking.done():
                waiting = max(waiting, one.writer.traffic().waiting)
                await asyncio.sleep(0.01)
            assert one.session.stalled
            assert waiting <= AT_ONCE


async def sign_in(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    path = "/socket.io/?EIO=4&transport=websocket"
    await loop.sock_sendall(client, encode_request(path, "127.0.0.1", KEY))
    await hear(client, b'0{"sid"')
    await loop.sock_sendall(client, encode_text('40{"token":"anybody"}', MASK))
    await hear(client, b"authenticated")


async def hear(client: socket.socket, word: bytes) -> None:
    """Read until a word comes, for the last time."""
    heard = b""
    while word not in heard:
        heard += await asyncio.get_running_loop().sock_recv(client, 4096)


async def ask(client: socket.socket) -> None:
    """Ask as long as the server listens, but not for ever."""
    loop = asyncio.get_running_loop()
    for _ in range(BATCHES):
        try:
            async with asyncio.timeout(1):
                await loop.sock_sendall(client, QUESTION * AT_ONCE)
        except TimeoutError:
            return
