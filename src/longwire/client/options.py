"""What can be set on a client, and how its address is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from longwire.errors import LocalProtocolError

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Awaitable, Callable, Collection

    from longwire.client.transport.websocket import WebSocket
    from longwire.engineio import Transport

# The scheme of each transport, by that of the URL.
_SCHEMES = {
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
    "polling": {"http": "http", "https": "https", "ws": "http", "wss": "https"},
}


_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

# What stays as it is in a path; the rest is written as %XX.
_IN_PATHS = "/%:@!$&'()*+,;="

# The name and the value of a header (RFC 9110 § 5.6.2 and 5.5).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[ -~]*")

# The least value of each option that is a number.
_LEAST = {
    "reconnection_attempts": 0,
    "reconnection_delay": 0,
    "reconnection_delay_max": 0,
    "timeout": 0.001,
    "authentication_grace": 0,
    "outbox_entries": 0,
    "outbox_bytes": 0,
    "outbox_age": 0,
    "queue_size": 1,
    "write_buffer": 0,
    "max_message": 1,
}


class FurtherOptions(TypedDict, total=False):
    """The options that are rarely set; `ClientOptions` says what they mean."""

    authentication_grace: float
    outbox_entries: int
    outbox_bytes: int
    outbox_age: float
    outbox_file: str | os.PathLike[str] | None
    queue_size: int
    write_buffer: int
    max_message: int


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
            LocalProtocolError: the URL is no address that can be used, there is no transport, or a
                value is out of its range; the message names the option.
        """
        if not _is_address(self.url, _SCHEMES["websocket"]):
            raise LocalProtocolError(f"{self.url!r} is no http(s):// or ws(s):// address")
        if not self.transports or not set(self.transports) <= _SCHEMES.keys():
            raise LocalProtocolError(f"{self.transports!r} are not 'websocket' or 'polling'")
        for name, least in _LEAST.items():
            value: object = getattr(self, name)
            if value is None and name == "reconnection_attempts":
                continue
            if not isinstance(value, int | float) or not value >= least:
                raise LocalProtocolError(f"{name} is a number from {least:g}, unlike {value!r}")
        if not _are_headers(self.headers):
            raise LocalProtocolError(
                "headers are a mapping of names to ASCII text on one line each"
            )
        if isinstance(self.proxy, str) and not _is_address(self.proxy, _PROXIES):
            raise LocalProtocolError(f"{self.proxy!r} is no http(s):// or socks5:// proxy")

    @property
    def server(self) -> str:
        """The address without what may be a password, to be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def address(self, transport: Transport, sid: str | None = None) -> str:
        """Return the address of a transport, of the session `sid` if it has begun."""
        parts = urlsplit(self.url)
        query = [*parse_qsl(parts.query), ("EIO", "4"), ("transport", transport)]
        if sid is not None:
            query.append(("sid", sid))
        path = quote(f"{parts.path.rstrip('/')}/{self.path.strip('/')}/", _IN_PATHS)
        scheme = _SCHEMES[transport][parts.scheme]
        return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))


def _is_address(url: object, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        host = (parts.hostname or "").encode("idna")
        has_password = parts.username is None or parts.password is not None
        return parts.scheme in schemes and bool(host) and parts.port != 0 and has_password
    except ValueError:  # of its port, its name, or an IPv6 address
        return False


def _are_headers(headers: Any) -> bool:
    if not isinstance(headers, Mapping):
        return False
    names: list[Any] = [*headers.keys()]
    values: list[Any] = [*headers.values()]
    return _fit(names, _NAME) and _fit(values, _VALUE)


def _fit(texts: list[Any], pattern: re.Pattern[str]) -> bool:
    return all(isinstance(text, str) and pattern.fullmatch(text) for text in texts)
