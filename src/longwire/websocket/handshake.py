"""The opening handshake (RFC 6455 §4), as pure functions of header lists.

Headers are `(name, value)` pairs of bytes, with case-insensitive names. The random key is an
argument.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from longwire.errors import LocalProtocolError

Headers = Sequence[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # §1.3


class HandshakeRequest(msgspec.Struct, frozen=True):
    """A valid request to open a WebSocket.

    Attributes:
        key: the client's `Sec-WebSocket-Key`.
        protocols: subprotocols offered by the client, in order of preference.
        origin: the `Origin` that browsers send; None if there is none.
    """

    key: bytes
    protocols: tuple[str, ...] = ()
    origin: str | None = None


class HandshakeFault(msgspec.Struct, frozen=True):
    """An error in a handshake.

    Attributes:
        status: the HTTP status of the response (§4.2.2); 0 if the error is in a response.
        reason: one sentence.
        headers: additional headers of the response.
    """

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def accept_key(key: bytes) -> bytes:
    """Return the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (§4.2.2 step 5.4)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def read_request(method: bytes, headers: Headers) -> HandshakeRequest | HandshakeFault:
    """Check a client's request (§4.2.1). The caller checks the HTTP version and the target."""
    if method.upper() != b"GET":
        return HandshakeFault(405, "a WebSocket handshake requires GET", ((b"allow", b"GET"),))
    values = _by_name(headers)
    if b"websocket" not in _tokens(values, b"upgrade"):
        return HandshakeFault(426, "expected Upgrade: websocket", ((b"upgrade", b"websocket"),))
    if b"upgrade" not in _tokens(values, b"connection"):
        return HandshakeFault(400, "expected Connection: Upgrade")
    if values.get(b"sec-websocket-version") != [b"13"]:
        return HandshakeFault(426, "unsupported version", ((b"sec-websocket-version", b"13"),))
    keys = values.get(b"sec-websocket-key", ())
    if len(keys) != 1 or not _is_key(keys[0]):
        return HandshakeFault(400, "invalid Sec-WebSocket-Key")
    protocols: tuple[str, ...] = ()
    if b"sec-websocket-protocol" in values:
        offered = b",".join(values[b"sec-websocket-protocol"]).decode("latin-1")
        protocols = tuple(name.strip() for name in offered.split(",") if name.strip())
    origins = values.get(b"origin")
    return HandshakeRequest(keys[0], protocols, origins[0].decode("latin-1") if origins else None)


def read_response(status: int, headers: Headers, key: bytes) -> HandshakeFault | None:
    """Check a server's response to `key` (§4.1); return None if the WebSocket is open."""
    if status != 101:
        return HandshakeFault(0, f"the server answered {status}")
    values = _by_name(headers)
    if _tokens(values, b"upgrade") != [b"websocket"]:
        return HandshakeFault(0, "expected Upgrade: websocket")
    if b"upgrade" not in _tokens(values, b"connection"):
        return HandshakeFault(0, "expected Connection: Upgrade")
    if values.get(b"sec-websocket-accept") != [accept_key(key)]:
        return HandshakeFault(0, "wrong Sec-WebSocket-Accept")
    if values.get(b"sec-websocket-extensions"):
        return HandshakeFault(0, "the server selected an extension that was not offered")
    return None


def encode_request(target: str, host: str, key: bytes, headers: Headers = ()) -> bytes:
    """Encode a client's request.

    Args:
        target: path and query.
        host: the `Host` header.
        key: 16 random bytes in base64.
        headers: additional headers, such as `Origin` or `Authorization`.

    Raises:
        LocalProtocolError: an argument contains a line break.
    """
    lines = (
        (b"host", host.encode()),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", key),
        *headers,
    )
    return _encode_head(b"GET " + target.encode() + b" HTTP/1.1", lines)


def encode_response(key: bytes, protocol: str | None = None, headers: Headers = ()) -> bytes:
    """Encode a server's response to a request with `key`.

    Raises:
        LocalProtocolError: the protocol or a header contains a line break.
    """
    lines = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-accept", accept_key(key)),
    ]
    if protocol is not None:
        lines.append((b"sec-websocket-protocol", protocol.encode()))
    return _encode_head(b"HTTP/1.1 101 Switching Protocols", (*lines, *headers))


def _encode_head(first: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [first, *[name + b": " + value for name, value in headers], b"\r\n"]
    head = b"\r\n".join(lines)
    if not head.count(b"\r") == head.count(b"\n") == len(lines):
        raise LocalProtocolError("a header must not contain a line break")
    return head


def _by_name(headers: Headers) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in values:
            values[lower].append(value.strip())
        else:
            values[lower] = [value.strip()]
    return values


def _tokens(values: dict[bytes, list[bytes]], name: bytes) -> list[bytes]:
    joined = b",".join(values.get(name, ())).lower()
    if joined.isalpha():  # a single token is the common case
        return [joined]
    return [token.strip() for token in joined.split(b",") if token.strip()]


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
