"""Packets as text. The body of a long-polling request ("payload") joins them with U+001E.

A text packet is a type digit followed by the data. A binary message is `b` and base64 in a payload,
and a plain binary frame on a WebSocket. In memory a packet is what a WebSocket frame contains:
`str`, or `bytes` for a binary message.
"""

import binascii
from collections.abc import Iterable, Iterator

from longwire.errors import LocalProtocolError, RemoteProtocolError

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PROBE_PING = "2probe"
PROBE_PONG = "3probe"

SEPARATOR = "\x1e"
BINARY = "b"


def encode_payload(packets: Iterable[str | bytes]) -> str:
    """Encode packets as one payload."""
    return SEPARATOR.join(
        packet if isinstance(packet, str) else encode_binary(packet) for packet in packets
    )


def encode_binary(data: bytes) -> str:
    """Encode a binary message as a text packet."""
    return BINARY + binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_payload(body: str) -> Iterator[str | bytes]:
    """Yield the packets of a payload, in time linear in its size.

    The number of packets is not limited: clients send as many as fit.

    Raises:
        RemoteProtocolError: a packet is malformed; raised when the iteration reaches it.
    """
    for packet in body.split(SEPARATOR):
        yield decode_binary(packet) if packet.startswith(BINARY) else packet


def split_payload(body: str, count: int) -> Iterator[str]:
    """Split a payload into payloads of at most `count` packets."""
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
    """Decode the message in a `b` packet.

    Raises:
        RemoteProtocolError: it is not valid base64.
    """
    data = packet[1:]
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:
        if "\n" in data:  # Java and Android clients break lines, as MIME does
            return decode_binary(packet.replace("\r", "").replace("\n", ""))
        raise RemoteProtocolError(f"invalid base64: {error}") from error


def wire_size(packet: str | bytes) -> int:
    """Return the size of a packet on a WebSocket, in bytes.

    Raises:
        LocalProtocolError: the text contains a lone surrogate, which UTF-8 cannot encode.
    """
    if isinstance(packet, bytes) or packet.isascii():
        return len(packet)
    try:
        return len(packet.encode())
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"the text cannot be encoded as UTF-8: {error.reason}") from error


def body_size(packet: str | bytes) -> int:
    """Return the size of a packet in a payload, in bytes, including a separator."""
    if isinstance(packet, bytes):
        return 2 + (len(packet) + 2) // 3 * 4
    return 1 + wire_size(packet)
