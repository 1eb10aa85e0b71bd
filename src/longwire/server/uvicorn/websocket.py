"""The WebSocket protocol for uvicorn: passes Socket.IO's WebSockets to a lane."""

import asyncio
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

from longwire.engineio.errors import RequestError
from longwire.errors import needing
from longwire.server.scope import ASGIApp, Message, Scope
from longwire.server.uvicorn.lane import Lane
from longwire.types import override
from longwire.websocket.handshake import HandshakeRequest, encode_response, read_request

with needing("server"):
    from uvicorn.config import Config
    from uvicorn.protocols.utils import ClientDisconnected, is_ssl
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from uvicorn.server import ServerState

EXTENSION = "longwire.lane"
ABNORMAL_CLOSURE = 1006

logger = logging.getLogger("uvicorn.error")


class WebSocketProtocol(asyncio.Protocol):
    """The protocol of a WebSocket until its handshake is answered.

    If the path may be Socket.IO's, the application is called with the extension `longwire.lane` in
    its scope (see `LaneHost`). If it answers with an ASGI message instead, or the path is another,
    uvicorn's own protocol continues. Data that arrives before the response stays in the socket.
    Compression is not negotiated on a lane, since it costs 100 kB per connection.
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
        self._is_finished = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport from the HTTP protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        """Receive the request, as uvicorn's HTTP parser reproduces it; then any early data."""
        if self._handshake is not None:
            self._early += data
            self._transport.pause_reading()
            return
        line, *lines = data[:-4].split(b"\r\n")
        method, target, _ = line.split(b" ")
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        handshake = read_request(method, headers) if b"/socket.io" in target else None
        if handshake is not None:
            self.open(handshake, target, headers)
        else:
            # The caller sets this object as the transport's protocol after this returns.
            asyncio.get_running_loop().call_soon(
                self._transport.set_protocol, self._hand_over(data)
            )

    def open(
        self, handshake: HandshakeRequest, target: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Call the application with a handshake that may be for Socket.IO."""
        self._handshake = handshake
        self._target = target
        self._headers = headers
        self._call_application(self._scope(handshake))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the peer disconnected, or that uvicorn rejected the handshake."""
        if self._uvicorn is None:
            self._finish()
        else:
            self._uvicorn.connection_lost(exc)

    def shutdown(self) -> None:
        """Close because the server stops."""
        self._transport.close()

    def receive_early(self, data: bytes) -> None:
        """Keep data that arrived together with the handshake."""
        self._early = data

    # The lane

    def accept(self, lane: Lane) -> bytes | None:
        """Hand the transport to `lane`; see `LaneHost.accept`."""
        if self._handshake is None or self._is_finished or self._transport.is_closing():
            return None
        self._finish()
        self._transport.set_protocol(lane)
        self._transport.resume_reading()
        lane.open(self._transport, self._connections)
        if self._early:  # after the lane has its session, and before it reads more
            asyncio.get_running_loop().call_soon(lane.data_received, self._early)
        headers = [*self._server_state.default_headers]
        if self._handshake.protocols:  # a browser insists on one of those that it offered
            chosen = self._handshake.protocols[0].encode("latin-1")
            headers.append((b"sec-websocket-protocol", chosen))
        return encode_response(self._handshake.key, headers=headers)

    def refuse(self, error: RequestError) -> None:
        """Respond with an HTTP error, and disconnect."""
        self._finish()
        status, body = error.status, error.body
        headers = "".join(f"{name}: {value}\r\n" for name, value in error.headers)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{headers}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()

    def _finish(self) -> None:
        self._is_finished = True
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

    def _call_application(self, scope: Scope) -> None:
        application: ASGIApp = cast("Any", self._config).loaded_app
        call = cast("Coroutine[Any, Any, None]", application(scope, self._receive, self._send))
        self._call = asyncio.get_running_loop().create_task(call)
        self._server_state.tasks.add(self._call)
        self._call.add_done_callback(self._receive_return)

    def _receive_return(self, call: asyncio.Task[None]) -> None:
        self._server_state.tasks.discard(call)
        if not self._is_finished:
            self._use_uvicorn()  # it reports an application that returns without an answer
        elif self._uvicorn is None and not call.cancelled() and call.exception() is not None:
            logger.error("Exception in ASGI application\n", exc_info=call.exception())

    async def _receive(self) -> Any:
        if self._uvicorn is None and self._is_finished:
            return {"type": "websocket.disconnect", "code": ABNORMAL_CLOSURE}
        return await self._use_uvicorn().receive()

    async def _send(self, message: Message) -> None:
        if self._uvicorn is None and self._is_finished:
            raise ClientDisconnected
        await self._use_uvicorn().send(cast("Any", message))

    # Uvicorn's protocol

    def _use_uvicorn(self) -> WebSocketsSansIOProtocol:
        """Continue with uvicorn's protocol and the application that is running already."""
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
        return self._call

    def _hand_over(self, request: bytes, application: Any = None) -> WebSocketsSansIOProtocol:
        self._finish()
        protocol = self._uvicorn = WebSocketsSansIOProtocol(
            self._config, self._server_state, self._app_state
        )
        if application is not None:
            protocol.app = application
        protocol.connection_made(self._transport)
        protocol.data_received(request)
        return protocol


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int | None] | None:
    """Return an address in the form of ASGI, without a system call."""
    address = transport.get_extra_info(name)
    if isinstance(address, str):
        return (address, None) if name == "sockname" else None
    return (address[0], address[1]) if address else None
