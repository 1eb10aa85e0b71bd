"""The WebSocket lane under uvicorn.

    uvicorn --ws longwire.server.uvicorn:WebSocketProtocol app:app

Longwire's own connections then never meet uvicorn's WebSocket implementation: their handshake is
ours, and a `Lane` reads and writes their transport. Every other WebSocket is uvicorn's as before.

With `--http longwire.server.uvicorn:HTTPProtocol`, which `longwire serve` has, they do not meet its
HTTP implementation either: opening one costs a tenth less, and it holds half a kilobyte less.
Clients that do not wait for the answer to their handshake, as RFC 6455 § 4.1 says they must, are
understood too: uvicorn drops what arrives together with a handshake. And the head of a request has
a deadline and a bound, which uvicorn leaves to a proxy.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from longwire.errors import needing
from longwire.types import override
from longwire.websocket import HandshakeRequest, encode_response, read_request

with needing("server"):
    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.protocols.utils import ClientDisconnected, is_ssl
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from longwire.server.scope import ASGIApp, Message, Scope
    from longwire.server.uvicorn.lane import Lane

EXTENSION = "longwire.lane"
ABNORMAL_CLOSURE = 1006

# Seconds in which the head of a request must be whole, and what is left of the body of one that is
# answered already; browsers send both at once.
HEAD_TIMEOUT = 10.0

# Bytes of a head, as h11 has it; a chunk of the transport more may be held before it is noticed.
MAX_HEAD = 64 * 1024

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)

logger = logging.getLogger("uvicorn.error")


class HTTPProtocol(asyncio.Protocol):
    """A connection, until its first bytes say what it wants.

    If they are the whole handshake of what may be Socket.IO, it is a WebSocket that is being opened
    from here on; otherwise it is uvicorn's, from these bytes on.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._given = (config, server_state, app_state)
        self._loop = _loop or asyncio.get_running_loop()
        self._connections = cast("set[Any]", server_state.connections)
        self._transport: asyncio.Transport
        self._patience: asyncio.TimerHandle

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, which has to say what it wants."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._patience = self._loop.call_later(HEAD_TIMEOUT, self._transport.abort)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the peer went without a word."""
        self._patience.cancel()
        self._connections.discard(self)

    def shutdown(self) -> None:
        """Close because the server stops."""
        self._transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        """Take the first bytes, and give the transport to whom they are for."""
        self._connections.discard(self)
        websocket_class = self._given[0].ws_protocol_class
        if (
            b"/socket.io" in data
            and websocket_class is not None
            and issubclass(websocket_class, WebSocketProtocol)
        ):
            request = _Request()
            handshake = request.read(data)
            if handshake is not None:
                self._patience.cancel()
                websocket = websocket_class(*self._given)
                websocket.connection_made(self._transport)
                self._transport.set_protocol(websocket)
                websocket.open(handshake, request.target, request.headers)
                websocket.receive_early(request.rest)
                return
        protocol = _BoundedHTTPProtocol(*self._given, self._loop)
        protocol.take_over(self._transport, self._patience)
        self._transport.set_protocol(protocol)
        protocol.data_received(data)


class _Request:
    """What httptools reads of a request's head.

    Attributes:
        rest: what came behind it.
    """

    __slots__ = ("headers", "rest", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.rest = b""

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def read(self, data: bytes) -> HandshakeRequest | None:
        """Read a handshake; None if it is something else, not whole, or not sound."""
        parser = HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as end:
            self.rest = data[end.args[0] :]
        except HttpParserError:
            return None
        else:
            return None
        if parser.get_http_version() != "1.1" or b"/socket.io" not in self.target:
            return None
        handshake = read_request(parser.get_method(), self.headers)
        return handshake if isinstance(handshake, HandshakeRequest) else None


class _BoundedHTTPProtocol(HttpToolsProtocol):
    """Uvicorn's, with a bound on what a peer may leave unfinished.

    What a client sends right behind its handshake is not lost on a lane.
    """

    _segment = b""
    _patience: asyncio.TimerHandle | None = None  # while the peer owes the rest of something
    _head_size: int | None = None  # of what it owes; None if that is no head

    def take_over(self, transport: asyncio.Transport, patience: asyncio.TimerHandle) -> None:
        """Take a connection for whose first head there is patience already."""
        self.connection_made(transport)
        self._patience = patience
        self._head_size = 0

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the connection is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if self._is_answered():
            self._wait_for_head()  # even if this is but one of the empty lines that may precede it
        patience = self._patience
        self._segment = data
        super().data_received(data)
        self._segment = b""
        if self._head_size is not None and self._patience is patience:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._refuse_head()

    @override
    def on_message_begin(self) -> None:
        """Learn that a request begins."""
        super().on_message_begin()
        self._wait_for_head()

    @override
    def on_headers_complete(self) -> None:
        """Learn that the head is whole."""
        self._stop_waiting()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        """Learn that the request is whole."""
        self._stop_waiting()
        super().on_message_complete()
        if self._is_answered():
            self._wait_for_head()  # the timer of an idle connection was stopped by these bytes

    @override
    def on_response_complete(self) -> None:
        """Learn that a request was answered, perhaps before it was whole."""
        super().on_response_complete()
        if self._is_answered() and self.cycle.more_body:
            self._wait()

    def _is_answered(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and cycle.response_complete

    def _wait_for_head(self) -> None:
        if self._wait():
            self._head_size = 0

    def _wait(self) -> bool:
        if self._patience is not None:
            return False
        self._patience = self.loop.call_later(HEAD_TIMEOUT, self.transport.abort)
        return True

    def _stop_waiting(self) -> None:
        self._head_size = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse_head(self) -> None:
        self._stop_waiting()
        self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()

    @override
    def handle_websocket_upgrade(self) -> None:
        """Give the transport to the WebSocket protocol; called while the parser's end is raised."""
        end = sys.exc_info()[1]
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, WebSocketProtocol) and isinstance(end, HttpParserUpgrade):
            protocol.receive_early(self._segment[end.args[0] :])


class WebSocketProtocol(asyncio.Protocol):
    """A WebSocket that is being opened, until it is known whose it will be.

    Where Socket.IO may be served, the application is asked and offered the lane; should it speak
    ASGI instead, uvicorn's protocol steps in with its first word. Everything else is uvicorn's at
    once. What the peer sends before its handshake is answered stays in the socket until then.
    Compression is not negotiated on a lane: it costs 100 kB a connection.
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._connections = cast("set[Any]", server_state.connections)
        self._transport: asyncio.Transport
        self._handshake: HandshakeRequest | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._early = b""
        self._uvicorn: WebSocketsSansIOProtocol | None = None
        self._is_over = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport that uvicorn's HTTP protocol gives away."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        """Take the request, whole, as uvicorn's HTTP parser has read it; then what is early."""
        if self._handshake is not None:
            self._early += data
            self._transport.pause_reading()
            return
        line, *lines = data[:-4].split(b"\r\n")
        method, target, _ = line.split(b" ")
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        handshake = read_request(method, headers) if b"/socket.io" in target else None
        if isinstance(handshake, HandshakeRequest):
            self.open(handshake, target, headers)
        else:
            # The caller makes us the transport's protocol only when this returns.
            asyncio.get_running_loop().call_soon(
                self._transport.set_protocol, self._hand_over(data)
            )

    def open(
        self, handshake: HandshakeRequest, target: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Ask the application about a handshake for what may be Socket.IO."""
        self._handshake = handshake
        self._target = target
        self._headers = headers
        self._ask_application(self._scope(handshake))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the peer did not wait for the answer, or that uvicorn refused it at once."""
        if self._uvicorn is None:
            self._end()
        else:
            self._uvicorn.connection_lost(exc)

    def shutdown(self) -> None:
        """Close because the server stops."""
        self._transport.close()

    def receive_early(self, data: bytes) -> None:
        """Take what came together with the handshake; for a lane, if it becomes one."""
        self._early = data

    # The lane

    def accept(self, lane: Lane) -> bytes | None:
        """Leave the transport to `lane`, and the answer; None if the peer is gone."""
        if self._handshake is None or self._is_over or self._transport.is_closing():
            return None
        self._end()
        self._transport.set_protocol(lane)
        self._transport.resume_reading()
        lane.open(self._transport, self._connections)
        if self._early:  # once the lane knows whose it is, and before anything else is read
            asyncio.get_running_loop().call_soon(lane.data_received, self._early)
        headers = self._server_state.default_headers
        return encode_response(self._handshake.key, headers=headers)

    def refuse(self, status: int, body: bytes) -> None:
        """Answer with an HTTP error, whose body is JSON, and hang up."""
        self._end()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()

    def _end(self) -> None:
        self._is_over = True
        self._connections.discard(self)

    # ASGI

    def _scope(self, handshake: HandshakeRequest) -> Scope:
        path, _, query = self._target.partition(b"?")
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self._transport) else "ws",
            "server": _address(self._transport, "sockname"),
            "client": _address(self._transport, "peername"),
            "root_path": root,
            "path": root + unquote(path.decode("ascii")),
            "raw_path": root.encode("ascii") + path,
            "query_string": query,
            "headers": self._headers,
            "subprotocols": list(handshake.protocols),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self},
        }

    def _ask_application(self, scope: Scope) -> None:
        application: ASGIApp = cast("Any", self._config).loaded_app
        asking = cast("Coroutine[Any, Any, None]", application(scope, self._receive, self._send))
        self._asked = asyncio.get_running_loop().create_task(asking)
        self._server_state.tasks.add(self._asked)
        self._asked.add_done_callback(self._receive_answer)

    def _receive_answer(self, asked: asyncio.Task[None]) -> None:
        self._server_state.tasks.discard(asked)
        if not self._is_over:
            self._speak_asgi()  # which says what is wrong with an application that decides nothing
        elif self._uvicorn is None and not asked.cancelled() and asked.exception() is not None:
            logger.error("Exception in ASGI application\n", exc_info=asked.exception())

    async def _receive(self) -> Any:
        if self._uvicorn is None and self._is_over:
            return {"type": "websocket.disconnect", "code": ABNORMAL_CLOSURE}
        return await self._speak_asgi().receive()

    async def _send(self, message: Message) -> None:
        if self._uvicorn is None and self._is_over:
            raise ClientDisconnected
        await self._speak_asgi().send(cast("Any", message))

    # Uvicorn's protocol

    def _speak_asgi(self) -> WebSocketsSansIOProtocol:
        """Let uvicorn's protocol take over, with the application that runs already."""
        if self._uvicorn is None:
            self._transport.resume_reading()
            fields = b"".join(b"%b: %b\r\n" % field for field in self._headers)
            request = b"GET %b HTTP/1.1\r\n%b\r\n" % (self._target, fields)
            protocol = self._hand_over(request, self._wait_for_application)
            self._transport.set_protocol(protocol)
            if self._early:
                protocol.data_received(self._early)
        return cast("WebSocketsSansIOProtocol", self._uvicorn)

    def _wait_for_application(self, *_: object) -> asyncio.Task[None]:
        return self._asked

    def _hand_over(self, request: bytes, application: Any = None) -> WebSocketsSansIOProtocol:
        self._end()
        protocol = self._uvicorn = WebSocketsSansIOProtocol(
            self._config, self._server_state, self._app_state
        )
        if application is not None:
            protocol.app = application
        protocol.connection_made(self._transport)
        protocol.data_received(request)
        return protocol


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int | None] | None:
    """Return an address as ASGI has it, from what the transport knows without asking the system."""
    address = transport.get_extra_info(name)
    if isinstance(address, str):
        return (address, None) if name == "sockname" else None
    return (address[0], address[1]) if address else None
