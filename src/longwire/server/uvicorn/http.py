"""The HTTP protocol for uvicorn: routes handshakes to lanes, and limits the head of requests."""

import asyncio
import sys
from typing import Any, ClassVar, cast

from longwire.errors import needing
from longwire.server.uvicorn.websocket import WebSocketProtocol
from longwire.types import override
from longwire.websocket.handshake import HandshakeRequest, read_request

with needing("server"):
    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
    from uvicorn.server import ServerState

# Bytes of a head: the default of h11. Up to one chunk more is held before the limit is noticed.
MAX_HEAD = 64 * 1024

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class HTTPProtocol(asyncio.Protocol):
    """The first protocol of a connection: routes it by its first bytes.

    If these are a complete handshake for Socket.IO, the connection continues with
    `WebSocketProtocol`; otherwise with uvicorn's HTTP implementation.

    Attributes:
        head_timeout: seconds within which the head of a request must be complete, or the rest of
            a body whose request was answered already. Browsers send both at once.
    """

    head_timeout: ClassVar[float] = 10.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._arguments = (config, server_state, app_state)
        self._loop = _loop or asyncio.get_running_loop()
        self._connections = cast("set[Any]", server_state.connections)
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes, at most `head_timeout` seconds."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._timer = self._loop.call_later(self.head_timeout, self._transport.abort)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the peer disconnected without sending anything."""
        self._timer.cancel()
        self._connections.discard(self)

    def shutdown(self) -> None:
        """Close because the server stops."""
        self._transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        """Pass the transport to the protocol that the first bytes are for."""
        self._connections.discard(self)
        websocket_class = self._arguments[0].ws_protocol_class
        if (
            b"/socket.io" in data
            and websocket_class is not None
            and issubclass(websocket_class, WebSocketProtocol)
        ):
            request = _Request()
            handshake = request.read(data)
            if handshake is not None:
                self._timer.cancel()
                websocket = websocket_class(*self._arguments)
                websocket.connection_made(self._transport)
                self._transport.set_protocol(websocket)
                websocket.open(handshake, request.target, request.headers)
                websocket.receive_early(request.rest)
                return
        protocol = _BoundedHTTPProtocol(*self._arguments, self._loop)
        protocol.take_over(self._transport, self._timer, self.head_timeout)
        self._transport.set_protocol(protocol)
        protocol.data_received(data)


class _Request:
    """The head of a request, parsed by httptools.

    Attributes:
        rest: the bytes that follow the head.
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
        """Return the handshake, or None if these bytes are not a complete and valid one."""
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
        return read_request(parser.get_method(), self.headers)


class _BoundedHTTPProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP implementation, with limits on unfinished requests.

    It also keeps what arrives together with a handshake, which uvicorn drops. RFC 6455 § 4.1
    forbids clients to send anything before the response, but some do.
    """

    _segment = b""
    _timer: asyncio.TimerHandle | None = None  # runs while a head or a body is incomplete
    _head_size: int | None = None  # of an incomplete head; None otherwise

    def take_over(
        self, transport: asyncio.Transport, timer: asyncio.TimerHandle, head_timeout: float
    ) -> None:
        """Continue a connection whose timer for the first head runs already."""
        self.connection_made(transport)
        self._timer = timer
        self._head_timeout = head_timeout
        self._head_size = 0

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_answered():
            self._wait_for_head()  # also for an empty line, which may precede a head
        timer = self._timer
        self._segment = data
        super().data_received(data)
        self._segment = b""
        if self._head_size is not None and self._timer is timer:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._reject_head()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    @override
    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()
        if self._is_answered():
            self._wait_for_head()  # these bytes stopped uvicorn's timer for idle connections

    @override
    def on_response_complete(self) -> None:
        """Note that a request was answered, possibly before its body was complete."""
        super().on_response_complete()
        if self._is_answered() and self.cycle.more_body:
            self._start_timer()

    def _is_answered(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and cycle.response_complete

    def _wait_for_head(self) -> None:
        if self._start_timer():
            self._head_size = 0

    def _start_timer(self) -> bool:
        if self._timer is not None:
            return False
        self._timer = self.loop.call_later(self._head_timeout, self.transport.abort)
        return True

    def _stop_timer(self) -> None:
        self._head_size = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reject_head(self) -> None:
        self._stop_timer()
        self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()

    @override
    def handle_websocket_upgrade(self) -> None:
        """Pass the transport on; called while `HttpParserUpgrade` is being handled."""
        end = sys.exc_info()[1]
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, WebSocketProtocol) and isinstance(end, HttpParserUpgrade):
            protocol.receive_early(self._segment[end.args[0] :])
