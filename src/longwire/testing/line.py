"""One client's way to a server in memory: the WebSocket's two ends, and what can befall them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from longwire.client.transport.websocket import WebSocket
from longwire.errors import NotConnected
from longwire.testing.memory_transport import MemoryTransport

if TYPE_CHECKING:
    from longwire.client import ClientOptions
    from longwire.server.scope import ASGIApp, Message, Scope
    from longwire.server.uvicorn.lane import Lane

_GONE = {"type": "websocket.disconnect", "code": 1006}

logger = logging.getLogger("longwire.testing")


class Line:
    """Opens a client's WebSockets, one at a time, and fails as it is told.

    The application is asked as under uvicorn; its server gets the lane, the client the driver
    that it has on a socket. Only the handshake is spoken in values instead of bytes.

    Attributes:
        is_refusing: whether nobody seems to listen at the other end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._end: MemoryTransport | None = None
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._lanes: set[Lane] = set()
        self.is_refusing = False

    async def open(self, options: ClientOptions) -> WebSocket:
        """Open a WebSocket; `ClientOptions.open_websocket`.

        Raises:
            ConnectionRefusedError: the line refuses.
            NotConnected: the application does.
        """
        if self.is_refusing:
            raise ConnectionRefusedError("the link refuses connections")
        await self._thawed.wait()
        handshake = _Handshake(self, options)
        try:
            await self._app(handshake.scope(), handshake.receive, handshake.send)
        except Exception as error:
            logger.exception("the application failed")
            raise NotConnected("HTTP 500: the application failed") from error
        if handshake.websocket is None:
            raise NotConnected(handshake.refusal)
        return handshake.websocket

    def join(self, lane: Lane, options: ClientOptions) -> WebSocket:
        """Connect both ends; return the client's."""
        front, back = MemoryTransport.pair(lambda: not self._thawed.is_set())
        websocket = WebSocket(front, options.max_message, options.write_buffer)
        front.set_protocol(websocket)
        back.set_protocol(lane)
        lane.open(back, self._lanes)
        self._end = front
        return websocket

    def cut(self) -> None:
        """Reset the connection, if there is one."""
        if self._end is not None:
            self._end.cut()

    def freeze(self) -> None:
        """Let nothing through, either way, and say nothing, as a dead link does."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Let everything through again, what was held back included."""
        self._thawed.set()
        if self._end is not None:
            self._end.release()


class _Handshake:
    """What an ASGI server does with a WebSocket until it is accepted or refused."""

    def __init__(self, line: Line, options: ClientOptions) -> None:
        self._line = line
        self._options = options
        self._has_asked = False
        self._status = 403
        self._body = b""
        self.websocket: WebSocket | None = None

    @property
    def refusal(self) -> str:
        """What the application answered instead of accepting."""
        return f"HTTP {self._status}: {self._body.decode(errors='replace')}".rstrip(": ")

    def scope(self) -> Scope:
        """Return what the application is told."""
        address = urlsplit(self._options.address("websocket"))
        headers = {"host": address.netloc, **self._options.headers}
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": address.scheme,
            "server": (address.hostname, address.port or 80),
            "client": ("127.0.0.1", 0),
            "root_path": "",
            "path": unquote(address.path),
            "raw_path": address.path.encode("ascii"),
            "query_string": address.query.encode("ascii"),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.items()
            ],
            "subprotocols": [],
            "state": {},
            "extensions": {"websocket.http.response": {}, "longwire.lane": self},
        }

    # The lane's host

    def accept(self, lane: Lane) -> bytes:
        """Give the lane its end of a connection, on which nothing precedes its first message."""
        self.websocket = self._line.join(lane, self._options)
        return b""

    def refuse(self, status: int, body: bytes) -> None:
        """Keep an HTTP error for the client."""
        self._status, self._body = status, body

    # ASGI, which only what stands before Longwire speaks here

    async def receive(self) -> Message:
        """Tell that a WebSocket asks to be accepted, and is gone if that is not Longwire's."""
        asks, self._has_asked = not self._has_asked, True
        return {"type": "websocket.connect"} if asks else _GONE

    async def send(self, message: Message) -> None:
        """Take a refusal."""
        if message["type"] == "websocket.http.response.start":
            self._status = message["status"]
        elif message["type"] == "websocket.http.response.body":
            self._body += message.get("body", b"")
        elif message["type"] == "websocket.accept":
            self._status, self._body = 200, b"another application than Longwire took the WebSocket"
