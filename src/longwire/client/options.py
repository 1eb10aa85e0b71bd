"""The options of a client, and their checks."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypedDict
from urllib.parse import urlsplit

from longwire.client.transport.options import SCHEMES, TransportOptions
from longwire.client.transport.websocket import WebSocket
from longwire.engineio.state import Transport
from longwire.errors import ConfigurationError

_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

# The name and the value of a header (RFC 9110 § 5.6.2 and 5.5).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[ -~]*")

# The smallest valid value of each numeric option.
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


class ClientKeywords(TypedDict, total=False):
    """The keyword arguments of a `WebSocketClient`. Times are in seconds, sizes in bytes."""

    path: str
    """Path of the Socket.IO endpoint below the server's URL. Default: `"/socket.io/"`."""

    transports: tuple[Transport, ...]
    """Transports to try, in this order. A client that connected over long-polling, because a proxy
    blocks WebSockets for example, upgrades once a WebSocket opens.
    Default: `("websocket", "polling")`."""

    reconnection: bool
    """Whether to reconnect after the connection is lost. Default: `True`."""

    reconnection_attempts: int | None
    """Consecutive failed attempts before the client gives up and enters the state `error`; `None`
    never gives up. Default: `None`."""

    reconnection_delay: float
    """Upper bound of the first backoff, which doubles with every failed attempt. The actual delay
    is random, so that clients do not reconnect all at once. Default: `1.0` seconds."""

    reconnection_delay_max: float
    """Largest upper bound of the backoff; while jobs run on the client, a third of their shortest
    lease if that is less. Default: `30.0` seconds."""

    timeout: float
    """Time limit of one connection attempt, of `connect()` as a whole, and of `call()` without a
    timeout of its own. Default: `20.0` seconds."""

    authentication_grace: float
    """How long to wait for the event `authenticated`. A Longwire server sends it at once. A stock
    Socket.IO server never does; the client considers itself connected after this time.
    Default: `0.5` seconds."""

    outbox_entries: int
    """Maximum number of events that wait to be sent or, if published, to be confirmed. Further
    ones raise `OutboxFull`. Default: `10_000`."""

    outbox_bytes: int
    """Maximum total size of their payloads. Default: `16_000_000` bytes."""

    outbox_age: float
    """How long an event may wait to be sent before it fails with `NotConnected`.
    Default: `3600.0` seconds."""

    outbox_file: str | os.PathLike[str] | None
    """File that stores emitted events and publications until they are sent, even if the process
    ends first: the next client that uses the file sends them. A publication is still appended
    once, an emitted event is still sent at most once. One process at a time can use a file.
    Default: `None`, which keeps them in memory."""

    queue_size: int
    """Maximum number of events that wait for one handler or iterator. When its queue is full, the
    client leaves the room, and resumes it from its position once the queue is half empty; events
    without a position are dropped and counted in `HealthSnapshot.events_dropped`.
    Default: `10_000`."""

    write_buffer: int
    """Bytes that may wait in the transport before awaiting `emit` blocks. Default: `256_000`."""

    max_message: int
    """Size of the largest message that the client accepts. Default: `16_000_000` bytes."""

    report_health: bool
    """Whether to send the server a report about the connection (`client:health`): at most once a
    minute, and once after each recovered connection. It has at most 512 bytes, and contains no
    address or name. Default: `False`."""

    headers: Mapping[str, str]
    """Additional headers of every request. Default: `{}`."""

    ssl: ssl.SSLContext | None
    """TLS settings for `https` and `wss`. Default: `None`, the system's settings."""

    proxy: str | bool | None
    """URL of an HTTP or SOCKS proxy. `True` uses the environment's proxy settings, `None` connects
    directly. Default: `True`."""

    open_websocket: Callable[[TransportOptions], Awaitable[WebSocket]] | None
    """Function that opens every WebSocket, for example in memory; see `longwire.testing.Link`.
    Default: `None`, which connects to the server's address."""


class ClientOptions(TransportOptions, frozen=True, kw_only=True):
    """The validated options of one client. `ClientKeywords` documents each of them.

    Attributes:
        url: URL of the server, `http(s)://` or `ws(s)://`, including the prefix that it is
            mounted under.

    Raises:
        ConfigurationError: An option has an invalid value.
    """

    reconnection: bool = True
    reconnection_attempts: int | None = None
    reconnection_delay: float = 1.0
    reconnection_delay_max: float = 30.0
    authentication_grace: float = 0.5
    # One minute of a busy producer; a process that is offline for longer must not grow forever.
    outbox_entries: int = 10_000
    outbox_bytes: int = 16_000_000
    outbox_age: float = 3600.0
    outbox_file: str | os.PathLike[str] | None = None
    queue_size: int = 10_000
    report_health: bool = False

    def __post_init__(self) -> None:
        """Reject options with which no connection attempt could succeed.

        Raises:
            ConfigurationError: An option has an invalid value.
        """
        if not _is_address(self.url, SCHEMES["websocket"]):
            raise _invalid("url", "an http(s):// or ws(s):// address", self.url)
        if not self.transports or not set(self.transports) <= SCHEMES.keys():
            raise _invalid("transports", "a tuple of 'websocket' and 'polling'", self.transports)
        for name, least in _LEAST.items():
            value: object = getattr(self, name)
            if value is None and name == "reconnection_attempts":
                continue
            if not isinstance(value, int | float) or not value >= least:
                raise _invalid(name, f">= {least:g}", value)
        if not _are_headers(self.headers):
            raise _invalid("headers", "a mapping of names to ASCII text without line breaks")
        if isinstance(self.proxy, str) and not _is_address(self.proxy, _PROXIES):
            raise _invalid("proxy", "an http(s):// or socks5:// URL")


def _invalid(name: str, expected: str, *values: object) -> ConfigurationError:
    """Build the error of an option; omit values that may contain a secret."""
    got = "".join(f", got {value!r}" for value in values)
    return ConfigurationError(f"{name} must be {expected}{got}")


def _is_address(url: object, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        host = (parts.hostname or "").encode("idna")
        has_password = parts.username is None or parts.password is not None
        return parts.scheme in schemes and bool(host) and parts.port != 0 and has_password
    except ValueError:  # an invalid port, host name or IPv6 address
        return False


def _are_headers(headers: Any) -> bool:
    if not isinstance(headers, Mapping):
        return False
    names: list[Any] = [*headers.keys()]
    values: list[Any] = [*headers.values()]
    return _fit(names, _NAME) and _fit(values, _VALUE)


def _fit(texts: list[Any], pattern: re.Pattern[str]) -> bool:
    return all(isinstance(text, str) and pattern.fullmatch(text) for text in texts)
