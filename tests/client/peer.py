"""A scripted server: it speaks the real protocol, and sends what the test tells it to."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from longwire import WebSocketClient
from longwire.catalog import JobProgress
from longwire.connection.connection import Connection, ConnectionOptions
from longwire.connection.events import AckReceived, ConnectRequested, EventReceived
from longwire.engineio.event import Closed
from longwire.engineio.server import Options, ServerSession
from longwire.reasons import SERVER_DISCONNECT
from longwire.websocket.frames import encode_text


class PeerSocket:
    """The server's end of one connection of a client.

    Attributes:
        auth: The payload of the client's CONNECT.
        is_over: Set when the connection has ended.
        pinged: Set when the client has sent a `ping`.
    """

    def __init__(self, websocket: ServerConnection, options: Options, number: int) -> None:
        now = asyncio.get_running_loop().time()
        session = ServerSession(f"session{number}", options, "websocket", now)
        self.connection = Connection.server(session, ConnectionOptions(), now)
        self.auth: dict[str, Any] = {}
        self.is_over = asyncio.Event()
        self.pinged = asyncio.Event()
        self._number = number
        self._websocket = websocket
        self._requested = asyncio.Event()
        self._events: asyncio.Queue[EventReceived] = asyncio.Queue()
        self._acks: asyncio.Queue[AckReceived] = asyncio.Queue()

    async def run(self) -> None:
        await self.flush()
        try:
            async for data in self._websocket:
                self.connection.engine.receive_message(data, asyncio.get_running_loop().time())
                for event in self.connection.events():
                    self._handle(event)
                await self.flush()
        except ConnectionClosed:
            pass
        self.is_over.set()

    def _handle(self, event: object) -> None:
        match event:
            case ConnectRequested(auth=auth):
                self.auth = {} if auth is None else _decode(auth)
                self._requested.set()
            case EventReceived(name="ping"):
                self.pinged.set()
                if event.ack_id is not None:
                    self.connection.send_ack("/", event.ack_id, [{"timestamp": 1}])
            case EventReceived():
                self._events.put_nowait(event)
            case AckReceived():
                self._acks.put_nowait(event)
            case Closed():
                self.is_over.set()

    async def flush(self) -> None:
        for message in self.connection.messages_to_send():
            await self._websocket.send(message)

    async def accept(self, user: str | None = "ada", rooms: tuple[str, ...] = ()) -> Self:
        """Accept the client; send `authenticated` unless `user` is None."""
        await self._requested.wait()
        self.connection.accept("/", f"socket{self._number}")
        if user is not None:
            self.connection.send_event("/", "authenticated", [{"userId": user, "rooms": rooms}])
        await self.flush()
        return self

    async def accept_with(self, *events: tuple[str, object]) -> None:
        """Accept the client and send events, all in one write."""
        await self._requested.wait()
        self.connection.accept("/", f"socket{self._number}")
        for name, argument in events:
            self.connection.send_event("/", name, [argument])
        self.flush_together()

    async def refuse(self, message: str, code: str) -> None:
        await self._requested.wait()
        self.connection.refuse("/", message, {"code": code})
        await self.flush()

    async def emit(self, name: str, *args: object) -> None:
        self.connection.send_event("/", name, args)
        await self.flush()

    async def progress(self, percent: float, place: str | None = None, job: str = "1") -> None:
        """Send `job:progress`, with its position in the log of the job's room."""
        data = {"jobId": job, "progress": percent, "currentStep": "x", "timestamp": 1}
        await self.emit("job:progress", data, *([] if place is None else [place]))

    async def call(self, name: str, *args: object) -> list[Any]:
        """Send an event and return its acknowledgement."""
        self.connection.send_event("/", name, args, self.connection.next_ack_id())
        await self.flush()
        return (await self._acks.get()).values()

    async def receive(self, name: str) -> EventReceived:
        """Return the client's next event, which must have this name."""
        event = await self._events.get()
        assert event.name == name, f"expected {name}, received {event.name} {event.values()}"
        return event

    async def answer(self, name: str, *args: object) -> list[Any]:
        """Acknowledge the client's next event, which must have this name; return its arguments."""
        event = await self.receive(name)
        assert event.ack_id is not None
        self.connection.send_ack("/", event.ack_id, args)
        await self.flush()
        return event.values()

    async def accept_join(
        self, room: str, epoch: str, offset: int, *, recovered: bool = False
    ) -> list[Any]:
        """Accept a join; return its arguments."""
        return await self.answer(
            "join_room",
            {"ok": True, "room": room, "epoch": epoch, "offset": offset, "recovered": recovered},
        )

    def flush_together(self) -> None:
        """Send everything that waits in one write, so that it arrives together."""
        messages = map(str, self.connection.messages_to_send())
        self.write(b"".join(map(encode_text, messages)))

    def write(self, frames: bytes) -> None:
        """Send encoded WebSocket frames."""
        self._websocket.transport.write(frames)

    def has_unread_events(self) -> bool:
        """Whether the client has sent events that the test has not received."""
        return not self._events.empty()

    async def close(self) -> None:
        """Close the connection without advice."""
        self.connection.close(SERVER_DISCONNECT, asyncio.get_running_loop().time())
        await self.flush()
        await self._websocket.close()

    def pause_reading(self) -> None:
        """Stop reading, so that the client's write buffer fills up."""
        self._websocket.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._websocket.transport.resume_reading()

    def drop(self) -> None:
        """Break the connection."""
        self._websocket.transport.abort()


class Peer:
    """A server that sends nothing on its own.

    Attributes:
        url: Its URL.
        connections: Number of connections so far.
    """

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._sockets: asyncio.Queue[PeerSocket] = asyncio.Queue()
        self._server: Server | None = None
        self.url = ""
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=1
        )
        host, port = next(iter(self._server.sockets)).getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, websocket: ServerConnection) -> None:
        self.connections += 1
        socket = PeerSocket(websocket, self._options, self.connections)
        self._sockets.put_nowait(socket)
        await socket.run()

    async def next_socket(self) -> PeerSocket:
        """Wait for the next connection of a client."""
        return await self._sockets.get()


async def connected(client: WebSocketClient, peer: Peer, **accept: Any) -> PeerSocket:
    """Connect a client; return the server's end of the connection."""
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept(**accept)
    await connecting
    return socket


async def all_received(client: WebSocketClient, socket: PeerSocket) -> None:
    """Wait until the client has received and handled everything sent so far."""
    received = asyncio.Event()
    undo = client.on("mark", lambda: received.set())
    await socket.emit("mark")
    await received.wait()
    undo()


def progress(percent: float) -> JobProgress:
    """Return an event to publish."""
    return JobProgress(job_id="1", progress=percent, current_step="x", timestamp=1)


def accepted(offset: int) -> dict[str, Any]:
    """Return the acknowledgement of a publication."""
    return {"ok": True, "room": "job:1", "epoch": "e", "offset": offset}


def _decode(raw: Any) -> dict[str, Any]:
    return msgspec.json.decode(raw)
