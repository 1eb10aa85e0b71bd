"""A reader that is slow, and reads on: nobody takes it for a dead one."""

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
from longwire.engineio import Options
from longwire.server import Limits
from longwire.websocket import FrameDecoder, encode_request, encode_text
from tests.serving import serving

ROOM = "job:long"
KEY = b"bG9uZ3dpcmUncyB0ZXN0cw=="
MASK = bytes(4)
PAYLOAD = 64 * 1024
EVENTS = 40
# Half a megabyte, which a reader that catches up is handed at a time, takes it three times as
# long as the server waits for a sign of life.
BYTES_AT_ONCE = 16 * 1024
PAUSE = 0.01
PATIENCE = 0.3


class SlowReader:
    """A client at the end of a thin line, who answers each ping when it has come to it.

    Attributes:
        heard: the events.
        pings: how many of them were pings.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.heard: list[str] = []
        self.pings = 0
        self._raw = raw
        self._decoder = FrameDecoder("client", 2 * PAYLOAD)
        self._loop = asyncio.get_running_loop()

    async def say(self, packet: str) -> None:
        await self._loop.sock_sendall(self._raw, encode_text(packet, MASK))

    async def until(self, is_there: Callable[[], bool], pause: float = 0.0) -> None:
        while not is_there():
            data = await self._loop.sock_recv(self._raw, BYTES_AT_ONCE)
            assert data, f"the server hung up after {len(self.heard)} events"
            for message in self._decoder.receive_data(data):
                assert isinstance(message, str), message
                await self._take(message)
            await asyncio.sleep(pause)

    async def _take(self, packet: str) -> None:
        if packet == "2":
            self.pings += 1
            await self.say("3")
        else:
            self.heard.append(packet)


@asynccontextmanager
async def slow_reader(url: str) -> AsyncIterator[SlowReader]:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PAYLOAD)
        raw.setblocking(False)
        await loop.sock_connect(raw, (address.hostname, address.port))
        path = "/socket.io/?EIO=4&transport=websocket"
        await loop.sock_sendall(raw, encode_request(path, "127.0.0.1", KEY))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(raw, 1)
        reader = SlowReader(raw)
        await reader.say('40{"token":"anybody"}')
        await reader.until(lambda: any("authenticated" in packet for packet in reader.heard))
        yield reader


async def catch_up_slowly() -> None:
    server = Server(
        authenticate=anonymous,
        shared_jobs=True,
        limits=Limits(stall_timeout=PATIENCE),
        options=Options(ping_interval=PATIENCE, ping_timeout=PATIENCE),
    )
    async with serving(server) as url:
        for number in range(EVENTS):
            event = Announcement(message=f"{number} " + "x" * PAYLOAD, level="info")
            await server.publish(event, room=ROOM)
        async with slow_reader(url) as reader:
            reader.heard.clear()
            await reader.say(f'42["join_room","{ROOM}"]')
            await reader.until(lambda: len(reader.heard) == EVENTS, PAUSE)
            told = [packet.split('"message":"')[1].split()[0] for packet in reader.heard]
            assert told == [str(number) for number in range(EVENTS)]
            pings = reader.pings
            assert pings >= 1
            await reader.until(lambda: reader.pings > pings)
            assert len(server.sockets) == 1


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_slow_reader_is_not_taken_for_a_dead_one(run) -> None:
    run(catch_up_slowly())
