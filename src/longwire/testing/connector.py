"""Opens the WebSockets of one client to a server in memory, and breaks them on request."""

import asyncio
import logging
from urllib.parse import unquote, urlsplit

from longwire.client.transport.options import TransportOptions
from longwire.client.transport.websocket import WebSocket
from longwire.engineio.errors import RequestError
from longwire.errors import NotConnected
from longwire.server.scope import ASGIApp, Message, Scope
from longwire.server.uvicorn.lane import Lane
from longwire.testing.memory_transport import MemoryTransport

_GONE = {"type": "websocket.disconnect", "code": 1006}

logger = logging.getLogger("longwire.testing")


class Connector:
    """Opens a client's WebSockets, one at a time.

    The application handles the handshake as under uvicorn; then the server's lane and the client's
    driver exchange bytes. Only the handshake itself is passed as values instead of bytes.

    Attributes:
        is_refusing: whether new connections fail as if no server were listening.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._end: MemoryTransport | None = None
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._lanes: set[Lane] = set()
        self.is_refusing = False

    async def open(self, options: TransportOptions) -> WebSocket:
        """Open a WebSocket, as `ClientOptions.open_websocket`.

        Raises:
            ConnectionRefusedError: the link refuses connections.
            NotConnected: the application rejects the handshake.
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

    def join(self, lane: Lane, options: TransportOptions) -> WebSocket:
        """Connect the lane with a new WebSocket; return the WebSocket."""
        front, back = MemoryTransport.pair(lambda: not self._thawed.is_set())
        websocket = WebSocket(front, options.max_message, options.write_buffer)
        front.set_protocol(websocket)
        back.set_protocol(lane)
        lane.open(back, self._lanes)
        self._end = front
        return websocket

    def cut(self) -> None:
        """Reset the connection, if one is open."""
        if self._end is not None:
            self._end.cut()

    def freeze(self) -> None:
        """Stop delivery in both directions without closing, like a dead link."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Resume delivery, including everything held back."""
        self._thawed.set()
        if self._end is not None:
            self._end.release()


class _Handshake:
    """The part of an ASGI server that handles a WebSocket until it is accepted or rejected."""

    def __init__(self, connector: Connector, options: TransportOptions) -> None:
        self._connector = connector
        self._options = options
        self._has_asked = False
        self._status = 403
        self._body = b""
        self.websocket: WebSocket | None = None

    @property
    def refusal(self) -> str:
        """The application's response, if it did not accept."""
        return f"HTTP {self._status}: {self._body.decode(errors='replace')}".rstrip(": ")

    def scope(self) -> Scope:
        """Return the ASGI scope."""
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

    # LaneHost

    def accept(self, lane: Lane) -> bytes:
        """Connect the lane; return the bytes that precede its first message, which are none."""
        self.websocket = self._connector.join(lane, self._options)
        return b""

    def refuse(self, error: RequestError) -> None:
        """Record the HTTP error for the client."""
        self._status, self._body = error.status, error.body

    # ASGI, for middleware and other applications; Longwire takes the lane instead

    async def receive(self) -> Message:
        """Return the connect message, then a disconnect, since only a lane is supported."""
        asks, self._has_asked = not self._has_asked, True
        return {"type": "websocket.connect"} if asks else _GONE

    async def send(self, message: Message) -> None:
        """Record the response of an application that does not take the lane."""
        if message["type"] == "websocket.http.response.start":
            self._status = message["status"]
        elif message["type"] == "websocket.http.response.body":
            self._body += message.get("body", b"")
        elif message["type"] == "websocket.accept":
            self._status, self._body = 200, b"another application than Longwire accepted"
