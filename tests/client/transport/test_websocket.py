"""The client's WebSocket, with a server that sends prepared bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import InvalidStatus

from longwire.client import ClientOptions
from longwire.client.transport.handshake import open_websocket
from longwire.client.transport.websocket import WebSocket
from longwire.errors import NotConnected, RemoteProtocolError
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_binary, encode_close, encode_ping, encode_text
from longwire.websocket.handshake import encode_response
from longwire.websocket.messages import Close, Message, Pong

Script = Callable[["Raw"], Awaitable[None]]


class Raw:
    """The server's end, in bytes and frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._decoder = FrameDecoder("server")
        self.writer = writer
        self.head = b""

    async def handshake(self, *, then: bytes = b"", chunk: int = 1 << 16) -> None:
        """Send the response 101, followed by `then`, in chunks."""
        self.head = await self._reader.readuntil(b"\r\n\r\n")
        [key] = [
            line.split(b": ")[1]
            for line in self.head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        ]
        answer = encode_response(key) + then
        for start in range(0, len(answer), chunk):
            self.writer.write(answer[start : start + chunk])
            await self.writer.drain()
            await asyncio.sleep(0)

    async def receive(self, count: int) -> list[Message]:
        """Return the client's next messages."""
        messages: list[Message] = []
        while len(messages) < count:
            messages += self._decoder.receive_data(await self._reader.read(1 << 16))
        return messages


class Recorder:
    """Records the callbacks of a WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.end: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.drained = asyncio.Event()
        websocket.attach(self)

    def receive_messages(self, messages: list[str | bytes]) -> None:
        for message in messages:
            self.messages.put_nowait(message)

    def receive_drained(self) -> None:
        self.drained.set()

    def receive_eof(self, error: Exception | None) -> None:
        self.end.set_result(error)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[ClientOptions]:
    """A server that runs `script` for one connection."""
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(Raw(reader, writer))
        finally:
            writer.close()
            finished.set_result(None)

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield ClientOptions(url=f"http://{host}:{port}", headers={"X-Tenant": "a"})
        await finished
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
async def test_frames_that_follow_the_handshake_are_not_lost(chunk: int) -> None:
    async def script(peer: Raw) -> None:
        early = encode_text("early") + encode_binary(b"\x00" * 300)
        await peer.handshake(then=early, chunk=chunk)
        assert b"x-tenant: a" in peer.head.lower()
        assert await peer.receive(1) == ["done"]

    async with scripted(script) as options:
        websocket = await open_websocket(options)
        recorder = Recorder(websocket)
        assert await recorder.messages.get() == "early"
        assert await recorder.messages.get() == b"\x00" * 300
        websocket.send("done")
        assert await recorder.end is None


async def test_pings_and_close_frames_are_answered() -> None:
    async def script(peer: Raw) -> None:
        await peer.handshake(then=encode_ping(b"x") + encode_close(1001, "restart"))
        assert await peer.receive(2) == [Pong(b"x"), Close(1000, "")]

    async with scripted(script) as options:
        recorder = Recorder(await open_websocket(options))
        assert await recorder.end is None


async def test_an_invalid_frame_closes_the_websocket_with_its_reason() -> None:
    async def script(peer: Raw) -> None:
        await peer.handshake(then=b"\xff\x00")
        assert await peer.receive(1) == [Close(1002, "")]

    async with scripted(script) as options:
        websocket = await open_websocket(options)
        await websocket.closed.wait()
        recorder = Recorder(websocket)
        assert isinstance(await recorder.end, RemoteProtocolError)
        websocket.send("after the end")


async def test_a_flood_of_messages_is_received_in_bursts() -> None:
    async def script(peer: Raw) -> None:
        await peer.handshake(then=encode_text("x") * 20_000)
        assert await peer.receive(1) == ["done"]

    async with scripted(script) as options:
        websocket = await open_websocket(options)
        recorder = Recorder(websocket)
        for _ in range(20_000):
            assert await recorder.messages.get() == "x"
        websocket.send("done")
        await recorder.end


async def test_a_slow_server_stalls_the_websocket_until_it_reads() -> None:
    may_read = asyncio.Event()

    async def script(peer: Raw) -> None:
        await peer.handshake()
        await may_read.wait()
        assert await peer.receive(sent) == [bytes(100_000)] * sent

    async with scripted(script) as options:
        websocket = await open_websocket(options)
        recorder = Recorder(websocket)
        sent = 0
        while not websocket.is_stalled:
            websocket.send(bytes(100_000))
            sent += 1
        may_read.set()
        await recorder.drained.wait()
        assert not websocket.is_stalled
        await recorder.end


async def test_a_redirect_to_another_kind_of_url_names_it() -> None:
    """Regression: the error blamed a scheme that the caller had not written, and was final."""

    async def script(peer: Raw) -> None:
        head = b"HTTP/1.1 302 Found\r\nlocation: https://a/login\r\ncontent-length: 0\r\n\r\n"
        peer.writer.write(head)

    async with scripted(script) as options:
        with pytest.raises(NotConnected, match=r"^the server redirects to https://a/login$"):
            await open_websocket(options)


async def test_an_http_error_raises() -> None:
    async def script(peer: Raw) -> None:
        peer.writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")

    async with scripted(script) as options:
        with pytest.raises(InvalidStatus, match="403"):
            await open_websocket(options)
