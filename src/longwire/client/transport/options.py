"""The options of a transport, and the addresses that follow from them."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from longwire.client.transport.websocket import WebSocket
from longwire.engineio.state import Transport

SCHEMES = {
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
    "polling": {"http": "http", "https": "https", "ws": "http", "wss": "https"},
}
"""The scheme of each transport's address, by the scheme of the server's URL."""

# Characters that stay as they are in a path; all others are percent-encoded.
_IN_PATHS = "/%:@!$&'()*+,;="


class TransportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is, and how to reach it; `ClientKeywords` documents each option.

    Attributes:
        url: URL of the server, `http(s)://` or `ws(s)://`, including the prefix that it is
            mounted under.
    """

    url: str
    path: str = "/socket.io/"
    transports: tuple[Transport, ...] = ("websocket", "polling")
    timeout: float = 20.0
    write_buffer: int = 256_000
    # The server's own limit (maxPayload) is 1 MB; joined text frames carry up to 256 KiB of data.
    max_message: int = 16_000_000
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    ssl: ssl.SSLContext | None = None
    proxy: str | bool | None = True
    open_websocket: Callable[[TransportOptions], Awaitable[WebSocket]] | None = None

    @property
    def server(self) -> str:
        """The URL without user and password, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def address(self, transport: Transport, sid: str | None = None) -> str:
        """Return the URL of a transport, for the session `sid` if it exists already."""
        parts = urlsplit(self.url)
        query = [*parse_qsl(parts.query), ("EIO", "4"), ("transport", transport)]
        if sid is not None:
            query.append(("sid", sid))
        path = quote(f"{parts.path.rstrip('/')}/{self.path.strip('/')}/", _IN_PATHS)
        scheme = SCHEMES[transport][parts.scheme]
        return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))
