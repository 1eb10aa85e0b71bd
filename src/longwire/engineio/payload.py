"""Packets as text: the body of a long-polling request joins them with U+001E.

A text packet is its type digit and its data; a binary message is `b` and base64 in a body, a plain
binary frame on a WebSocket. In memory a packet is what the WebSocket carries: `str` or, for a
binary message, `bytes`.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from longwire.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PROBE_PING = "2probe"
PROBE_PONG = "3probe"

SEPARATOR = "\x1e"
BINARY = "b"


def encode_payload(packets: Iterable[str | bytes]) -> str:
    """The body that carries `packets`."""
    return SEPARATOR.join(
        packet if isinstance(packet, str) else encode_binary(packet) for packet in packets
    )


def encode_binary(data: bytes) -> str:
    """A binary message as text."""
    return BINARY + binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_payload(body: str) -> Iterator[str | bytes]:
    """The packets in a body, one by one; time is linear in the body.

    The number of packets has no limit of its own: clients send as many as fit.

    Raises:
        RemoteProtocolError: at the first packet that is none, when the iteration reaches it.
    """
    for packet in body.split(SEPARATOR):
        yield decode_binary(packet) if packet.startswith(BINARY) else packet


def split_payload(body: str, count: int) -> Iterator[str]:
    """Bodies of `count` packets at most, which say together what `body` says."""
    start = end = 0
    while True:
        for _ in range(count):
            end = body.find(SEPARATOR, end)
            if end < 0:
                yield body[start:]
                return
            end += 1
        yield body[start : end - 1]
        start = end


def decode_binary(packet: str) -> bytes:
    """The message in a `b` packet.

    Raises:
        RemoteProtocolError: it is not base64.
    """
    try:
        return binascii.a2b_base64(packet[1:], strict_mode=True)
    except ValueError as error:
        raise RemoteProtocolError(f"invalid base64: {error}") from error


def wire_size(packet: str | bytes) -> int:
    """Bytes of the packet on a WebSocket.

    Raises:
        LocalProtocolError: the text is not Unicode that UTF-8 can carry (a lone surrogate).
    """
    if isinstance(packet, bytes) or packet.isascii():
        return len(packet)
    try:
        return len(packet.encode())
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"text that UTF-8 cannot carry: {error.reason}") from error


def body_size(packet: str | bytes) -> int:
    """Bytes of the packet in a body, with its separator."""
    if isinstance(packet, bytes):
        return 2 + (len(packet) + 2) // 3 * 4
    return 1 + wire_size(packet)
