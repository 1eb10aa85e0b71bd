"""Opens WebSockets: `websockets` does the handshake, then our `WebSocket` takes the transport over.

The library implements proxies, TLS and redirects. Its connection object is dropped once the server
has answered 101.
"""

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI

from longwire.client.transport.options import TransportOptions
from longwire.client.transport.websocket import WebSocket
from longwire.errors import NotConnected, RemoteProtocolError
from longwire.types import override


class _Handshake(ClientConnection):
    """The library's connection, up to the end of the response head."""

    upgraded: WebSocket | None = None
    max_message = 0
    write_buffer = 0
    _head = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n") + 4
        if end < 4 or not self._head.startswith(b"HTTP/1.1 101 "):
            super().data_received(data)
            return
        # The first frames may follow the head in the same packet; the library must not see them.
        frames = self._head[end:]
        self.upgraded = WebSocket(self.transport, self.max_message, self.write_buffer)
        self.transport.set_protocol(self.upgraded)
        super().data_received(data[: len(data) - len(frames)])
        if frames:
            self.upgraded.data_received(frames)


async def open_websocket(
    options: TransportOptions, sid: str | None = None, cookie: str = ""
) -> WebSocket:
    """Open a WebSocket to the server.

    Args:
        options: The server's address, and how to reach it.
        sid: Id of the long-polling session to upgrade; None starts a new session.
        cookie: The cookies of that session.

    Raises:
        OSError: The server cannot be reached.
        WebSocketException: The server does not accept a WebSocket at this address.
        NotConnected: The server redirects to another kind of address.
    """
    if options.open_websocket is not None:
        return await options.open_websocket(options)

    class Handshake(_Handshake):
        max_message = options.max_message
        write_buffer = options.write_buffer

    address = options.address("websocket", sid)
    try:
        opened = await connect(
            address,
            additional_headers={**options.headers, **({"Cookie": cookie} if cookie else {})},
            compression=None,
            ping_interval=None,
            open_timeout=None,
            proxy=options.proxy,  # type: ignore[arg-type]
            ssl=(options.ssl or True) if address.startswith("wss:") else None,
            create_connection=Handshake,
        )
    except InvalidURI as error:  # our own URL was validated, so a redirect led to this one
        raise NotConnected(f"the server redirects to {error.uri}") from error
    upgraded = opened.upgraded if isinstance(opened, Handshake) else None
    if upgraded is None:
        raise RemoteProtocolError("the server did not upgrade the connection")
    return upgraded
