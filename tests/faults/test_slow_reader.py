"""A slow reader that keeps reading is not disconnected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import uvloop

from longwire import Server, anonymous
from longwire.catalog import Announcement
from longwire.engineio.server import Options
from longwire.server import Limits
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_text
from tests.serving import HANDSHAKE, serving

ROOM = "job:long"
MASK = bytes(4)
PAYLOAD = 64 * 1024
EVENTS = 40
# The reader needs three times as long for one slice of the log, which is 0.5 MiB, as the server's
# stall timeout and heartbeat timeout.
BYTES_AT_ONCE = 16 * 1024
PAUSE = 0.01
TIMEOUT = 0.3


class SlowReader:
    """A client on a slow connection, which answers each ping once it has read up to it.

    Attributes:
        received: the packets, except pings.
        pings: the number of pings.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.received: list[str] = []
        self.pings = 0
        self._raw = raw
        self._decoder = FrameDecoder("client", 2 * PAYLOAD)
        self._loop = asyncio.get_running_loop()

    async def send(self, packet: str) -> None:
        await self._loop.sock_sendall(self._raw, encode_text(packet, MASK))

    async def until(self, is_done: Callable[[], bool], pause: float = 0.0) -> None:
        while not is_done():
            data = await self._loop.sock_recv(self._raw, BYTES_AT_ONCE)
            assert data, f"the server closed the connection after {len(self.received)} events"
            for message in self._decoder.receive_data(data):
                assert isinstance(message, str), message
                await self._receive(message)
            await asyncio.sleep(pause)

    async def _receive(self, packet: str) -> None:
        if packet == "2":
            self.pings += 1
            await self.send("3")
        else:
            self.received.append(packet)


@asynccontextmanager
async def slow_reader(url: str) -> AsyncIterator[SlowReader]:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PAYLOAD)
        raw.setblocking(False)
        await loop.sock_connect(raw, (address.hostname, address.port))
        await loop.sock_sendall(raw, HANDSHAKE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(raw, 1)
        reader = SlowReader(raw)
        await reader.send('40{"token":"any token"}')
        await reader.until(lambda: any("authenticated" in packet for packet in reader.received))
        yield reader


async def catch_up_slowly() -> None:
    server = Server(
        authenticate=anonymous,
        shared_jobs=True,
        limits=Limits(stall_timeout=TIMEOUT),
        options=Options(ping_interval=TIMEOUT, ping_timeout=TIMEOUT),
    )
    async with serving(server) as url:
        for number in range(EVENTS):
            event = Announcement(message=f"{number} " + "x" * PAYLOAD, level="info")
            await server.publish(event, room=ROOM)
        async with slow_reader(url) as reader:
            reader.received.clear()
            await reader.send(f'42["join_room","{ROOM}"]')
            await reader.until(lambda: len(reader.received) == EVENTS, PAUSE)
            numbers = [packet.split('"message":"')[1].split()[0] for packet in reader.received]
            assert numbers == [str(number) for number in range(EVENTS)]
            pings = reader.pings
            assert pings >= 1
            await reader.until(lambda: reader.pings > pings)
            assert len(server.sockets) == 1


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_slow_reader_is_not_disconnected(run) -> None:
    run(catch_up_slowly())
