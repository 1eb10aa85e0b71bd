"""The WebSocket lane under uvicorn.

    uvicorn --ws longwire.server.uvicorn:WebSocketProtocol app:app

Longwire's own connections then leave uvicorn's WebSocket implementation as soon as they are
accepted: a `Lane` reads and writes their transport. Every other WebSocket is uvicorn's as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from longwire.types import override

if TYPE_CHECKING:
    import asyncio

    from websockets.http11 import Request

    from longwire.server.lane import Lane

EXTENSION = "longwire.lane"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket protocol, which can give an accepted connection away.

    What the peer sends before its handshake is answered stays in the socket until then.
    Compression is not negotiated where Socket.IO is served: it costs 100 kB a connection.
    """

    @override
    def handle_connect(self, event: Request) -> None:
        """Offer the lane to the application that is asked to accept."""
        if "/socket.io" in event.path and "Sec-WebSocket-Extensions" in event.headers:
            del event.headers["Sec-WebSocket-Extensions"]
        self.transport.pause_reading()
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions = cast("dict[str, Any]", self.scope.get("extensions"))
            extensions[EXTENSION] = self

    @override
    async def send(self, message: Any) -> None:
        """Send for the application; read on once it accepts."""
        await super().send(message)
        if message["type"] == "websocket.accept" and not self.transport.is_closing():
            self.transport.resume_reading()

    def release(self, lane: Lane) -> None:
        """Make `lane` the protocol of this accepted WebSocket's transport."""
        transport, connections = self.transport, self.connections
        self.stop_keepalive()
        connections.discard(self)
        connections.add(cast("Any", lane))
        transport.set_protocol(lane)
        lane.open(transport, cast("Any", connections).discard)
        self.transport = cast("asyncio.Transport", _GivenAway())


class _GivenAway:
    """Stands where the transport was: this side has nothing to close any more."""

    def close(self) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Tell that nothing can be written here."""
        return True
