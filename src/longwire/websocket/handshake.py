"""The server's end of the opening handshake (RFC 6455 §4), as pure functions of header lists.

Headers are `(name, value)` pairs of bytes, with case-insensitive names.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence

import msgspec

from longwire.errors import LocalProtocolError

Headers = Sequence[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # §1.3


class HandshakeRequest(msgspec.Struct, frozen=True):
    """A valid request to open a WebSocket.

    Attributes:
        key: the client's `Sec-WebSocket-Key`.
        protocols: subprotocols offered by the client, in order of preference.
    """

    key: bytes
    protocols: tuple[str, ...] = ()


def accept_key(key: bytes) -> bytes:
    """Return the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (§4.2.2 step 5.4)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def read_request(method: bytes, headers: Headers) -> HandshakeRequest | None:
    """Return a client's request, or None if it is invalid (§4.2.1).

    The caller checks the HTTP version and the target.
    """
    values = _by_name(headers)
    keys = values.get(b"sec-websocket-key", ())
    if (
        method.upper() != b"GET"
        or b"websocket" not in _tokens(values, b"upgrade")
        or b"upgrade" not in _tokens(values, b"connection")
        or values.get(b"sec-websocket-version") != [b"13"]
        or len(keys) != 1
        or not _is_key(keys[0])
    ):
        return None
    offered = b",".join(values.get(b"sec-websocket-protocol", ())).decode("latin-1")
    protocols = tuple(name.strip() for name in offered.split(",") if name.strip())
    return HandshakeRequest(keys[0], protocols)


def encode_response(key: bytes, headers: Headers = ()) -> bytes:
    """Encode a server's response to a request with `key`.

    Raises:
        LocalProtocolError: a header contains a line break.
    """
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"upgrade: websocket",
        b"connection: Upgrade",
        b"sec-websocket-accept: " + accept_key(key),
        *(name + b": " + value for name, value in headers),
        b"\r\n",
    ]
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
