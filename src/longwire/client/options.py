"""What can be set on a client, and how its address is made."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from longwire.errors import LocalProtocolError

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from longwire.client.transport import WebSocket
    from longwire.engineio import Transport

# The scheme of each transport, by that of the URL.
_SCHEMES = {
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
    "polling": {"http": "http", "https": "https", "ws": "http", "wss": "https"},
}


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a `WebSocketClient`; times are in seconds, sizes in bytes.

    Attributes:
        url: the server: `http(s)://` or `ws(s)://`, with the prefix that it is mounted under.
        path: where Socket.IO listens below that.
        transports: how to connect: the first that works. Where a proxy lets no WebSocket through,
            the client goes on over long-polling, and moves to a WebSocket when one opens after all.
        reconnection: whether to come back after a drop.
        reconnection_attempts: failed attempts in a row before giving up; None never gives up.
        reconnection_delay: the first backoff's upper bound; it doubles with every attempt.
        reconnection_delay_max: the largest upper bound.
        timeout: for one attempt, and for the whole of `connect()`.
        authentication_grace: how long to wait for `authenticated` after CONNECT. Longwire sends
            it at once; a stock Socket.IO server never does, and is connected after this time.
        outbox_entries: most events that wait to be sent or, published, to be confirmed.
        outbox_bytes: the same, by payload.
        outbox_age: most seconds that one waits to be sent.
        outbox_file: a file that keeps emitted events and publications until they are sent, also
            when the process ends first: the next one to use the file sends them. A publication
            is appended once even so, by its id; an emitted event goes out at most once. One
            process at a time can use it.
        queue_size: most events that wait for one handler or iterator. Beyond, a room is left and
            resumed from its position once half is handled; what has no position is dropped.
        write_buffer: what may wait for the transport before `emit` makes its caller wait.
        max_message: largest message accepted.
        headers: further headers of every request.
        ssl: TLS settings for `https` and `wss`; None means the system's.
        proxy: an HTTP or SOCKS proxy; True takes it from the environment, None goes direct.
        open_websocket: opens every WebSocket instead of a connection to the address, such as in
            memory; see `longwire.testing.Link`.
    """

    url: str
    path: str = "/socket.io/"
    transports: tuple[Transport, ...] = ("websocket", "polling")
    reconnection: bool = True
    reconnection_attempts: int | None = None
    reconnection_delay: float = 1.0
    reconnection_delay_max: float = 30.0
    timeout: float = 20.0
    authentication_grace: float = 0.5
    # A minute of a busy producer; a process that is offline for longer must not grow without end.
    outbox_entries: int = 10_000
    outbox_bytes: int = 16_000_000
    outbox_age: float = 3600.0
    outbox_file: str | os.PathLike[str] | None = None
    queue_size: int = 10_000
    write_buffer: int = 256_000
    # The server's own maxPayload is 1 MB; joined text frames carry at most 128 KiB of data.
    max_message: int = 16_000_000
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    ssl: ssl.SSLContext | None = None
    proxy: str | bool | None = True
    open_websocket: Callable[[ClientOptions], Awaitable[WebSocket]] | None = None

    def check(self) -> None:
        """Refuse what no attempt could succeed with.

        Raises:
            LocalProtocolError: the URL has no scheme that can be used, or no host, or there is no
                transport.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in _SCHEMES["websocket"] or not parts.netloc:
            raise LocalProtocolError(f"{self.url!r} is no http(s):// or ws(s):// address")
        if not self.transports or not set(self.transports) <= _SCHEMES.keys():
            raise LocalProtocolError(f"{self.transports!r} are not 'websocket' or 'polling'")

    def address(self, transport: Transport, sid: str | None = None) -> str:
        """Return the address of a transport, of the session `sid` if it has begun."""
        parts = urlsplit(self.url)
        query = [*parse_qsl(parts.query), ("EIO", "4"), ("transport", transport)]
        if sid is not None:
            query.append(("sid", sid))
        path = f"{parts.path.rstrip('/')}/{self.path.strip('/')}/"
        scheme = _SCHEMES[transport][parts.scheme]
        return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))
