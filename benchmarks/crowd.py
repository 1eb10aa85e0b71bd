"""Many raw Socket.IO clients in one process, as cheap as they can be made."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from longwire.websocket import FrameDecoder, TextMessage, encode_request, encode_text

MASK = bytes(4)  # clients must mask; a mask of zeros costs no arithmetic
PATH = "/socket.io/?EIO=4&transport=websocket"


class Client(asyncio.Protocol):
    """One client: connects, counts announcements, waits for acknowledgements."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._decoder: FrameDecoder | None = None
        self._head = b""
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(
            encode_request(PATH, "127.0.0.1", os.urandom(16).hex()[:22].encode() + b"==")
        )

    def data_received(self, data: bytes) -> None:
        if self._decoder is None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._decoder = FrameDecoder("client")
        for message in self._decoder.receive_data(data):
            if isinstance(message, TextMessage):
                self._receive(message.data)

    def _receive(self, packet: str) -> None:
        if packet.startswith('42["announcement"'):
            self._crowd.receive_announcement()
        elif packet.startswith("43"):
            id, _, rest = packet[2:].partition("[")
            self._acks.pop(int(id)).set_result(json.loads("[" + rest))
        elif packet.startswith('42["authenticated"'):
            self._crowd.receive_signed_in()
        elif packet.startswith("0{"):
            self.send('40{"token":"anybody"}')
        elif packet == "2":
            self.send("3")

    def send(self, packet: str) -> None:
        """Send one Engine.IO packet."""
        assert self._transport is not None
        self._transport.write(encode_text(packet, MASK))

    async def call(self, event: str, payload: object) -> Any:
        """Send an event and wait for its acknowledgement."""
        answer = self._acks[0] = asyncio.get_running_loop().create_future()
        self.send(f"420{json.dumps([event, payload])}")
        return await answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class Crowd:
    """Clients of one server, and what they received together."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.clients: list[Client] = []
        self._signed_in = 0
        self._announcements = 0
        self._news = asyncio.Event()

    async def grow(self, count: int) -> None:
        """Connect more clients, a few at a time, and wait until all are signed in."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", self._port)
            self.clients.append(client)
            if len(self.clients) % 50 == 0:
                await self._until(lambda: self._signed_in >= len(self.clients))
        await self._until(lambda: self._signed_in >= len(self.clients))

    async def broadcast(self, count: int, text: str, pause: float) -> None:
        """Have the server tell everybody `count` times, and wait until everybody has heard."""
        wanted = self._announcements + count * len(self.clients)
        wish = {"count": count, "text": text, "pause": pause}
        await self.clients[0].call("broadcast", wish)
        await self._until(lambda: self._announcements >= wanted)

    async def echo(self, rounds: int, payload: object) -> None:
        """Have every client send `rounds` events, each after the answer to the one before."""

        async def talk(client: Client) -> None:
            for _ in range(rounds):
                await client.call("echo", payload)

        await asyncio.gather(*map(talk, self.clients))

    def receive_announcement(self) -> None:
        """Count."""
        self._announcements += 1
        self._news.set()

    def receive_signed_in(self) -> None:
        """Count."""
        self._signed_in += 1
        self._news.set()

    async def _until(self, condition: Any) -> None:
        while not condition():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 30)

    def leave(self) -> None:
        """Hang up, all of them."""
        for client in self.clients:
            client.close()
