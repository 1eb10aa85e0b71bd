"""The open packet, `0{"sid":…}`: the first thing that a server says."""

from __future__ import annotations

import msgspec

from longwire.errors import RemoteProtocolError


class Handshake(msgspec.Struct, frozen=True, rename="camel"):
    """What the server settles for the session; exactly these five keys travel.

    Attributes:
        sid: the session's id; a secret between the two ends.
        upgrades: transports the session may move to.
        ping_interval: milliseconds between two pings of the server.
        ping_timeout: milliseconds that a pong may take.
        max_payload: bytes that one request may carry to the server.
    """

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: int
    ping_timeout: int
    max_payload: int = 1_000_000


_DECODER = msgspec.json.Decoder(Handshake)


def encode_open(handshake: Handshake) -> str:
    """The open packet of a server."""
    return "0" + msgspec.json.encode(handshake).decode()


def decode_open(packet: str) -> Handshake:
    """The handshake inside an open packet.

    Raises:
        RemoteProtocolError: it is no handshake, or its times make no sense.
    """
    try:
        handshake = _DECODER.decode(packet[1:])
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"invalid handshake: {error}") from error
    times = (handshake.ping_interval, handshake.ping_timeout, handshake.max_payload)
    if not handshake.sid or min(times) <= 0:
        raise RemoteProtocolError(
            "invalid handshake: an empty sid, or a number that is not positive"
        )
    return handshake
