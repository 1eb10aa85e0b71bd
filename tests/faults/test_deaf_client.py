"""A client that sends requests and never reads the answers."""

from __future__ import annotations

import asyncio
import json
import socket
from urllib.parse import urlsplit

import pytest

from longwire import Server, anonymous
from longwire.server import Limits
from longwire.websocket.frames import encode_text
from tests.serving import HANDSHAKE, LANE, PLAIN, serving

MASK = bytes(4)
REQUEST = encode_text(f'420["join_room",{json.dumps("x" * 150)}]', MASK)
REQUESTS_AT_ONCE = 2000
BATCHES = 60
MIB = 1024 * 1024


def open_socket(url: str) -> socket.socket:
    """Connect with the smallest receive window that the system allows."""
    address = urlsplit(url)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    client.setblocking(False)
    return client


# A lane counts waiting bytes, the ASGI writer counts waiting messages.
@pytest.mark.parametrize(
    ("ws", "max_waiting"), [(LANE, 2 * MIB), (PLAIN, REQUESTS_AT_ONCE)], ids=["lane", "asgi"]
)
async def test_unread_answers_do_not_pile_up(ws: str, max_waiting: int) -> None:
    """Regression: over plain ASGI, the answers waited in an unbounded queue."""
    server = Server(authenticate=anonymous, limits=Limits(events_per_second=10**6))
    async with serving(server, ws=ws) as url:
        with open_socket(url) as client:
            await sign_in(client)
            [connection] = server.sockets
            assert connection.writer is not None
            sending = asyncio.create_task(send_requests(client))
            most_waiting = 0
            while not sending.done():
                most_waiting = max(most_waiting, connection.writer.traffic().waiting)
                await asyncio.sleep(0)
            assert connection.session.stalled
            assert most_waiting <= max_waiting


async def sign_in(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, HANDSHAKE)
    await read_until(client, b'0{"sid"')
    await loop.sock_sendall(client, encode_text('40{"token":"any token"}', MASK))
    await read_until(client, b"authenticated")


async def read_until(client: socket.socket, pattern: bytes) -> None:
    received = b""
    while pattern not in received:
        received += await asyncio.get_running_loop().sock_recv(client, 4096)


async def send_requests(client: socket.socket) -> None:
    """Send requests until the server has stopped reading, or all batches are sent."""
    loop = asyncio.get_running_loop()
    for _ in range(BATCHES):
        try:
            async with asyncio.timeout(1):
                await loop.sock_sendall(client, REQUEST * REQUESTS_AT_ONCE)
        except TimeoutError:
            return
