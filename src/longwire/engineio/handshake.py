"""The open packet, `0{"sid":…}`: the first packet that a server sends."""

import msgspec

from longwire.errors import RemoteProtocolError


class Handshake(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of a session, set by the server. The wire has exactly these five keys.

    Attributes:
        sid: the session id, a secret between the two ends.
        upgrades: transports that the session may move to.
        ping_interval: milliseconds between two pings of the server.
        ping_timeout: milliseconds within which a pong must arrive.
        max_payload: maximum bytes of one request to the server.
    """

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: int
    ping_timeout: int
    max_payload: int = 1_000_000


_DECODER = msgspec.json.Decoder(Handshake)


def encode_open(handshake: Handshake) -> str:
    """Encode the open packet."""
    return "0" + msgspec.json.encode(handshake).decode()


def decode_open(packet: str) -> Handshake:
    """Decode an open packet.

    Raises:
        RemoteProtocolError: the handshake is malformed, or a number in it is not positive.
    """
    try:
        handshake = _DECODER.decode(packet[1:])
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"invalid handshake: {error}") from error
    times = (handshake.ping_interval, handshake.ping_timeout, handshake.max_payload)
    if not handshake.sid or min(times) <= 0:
        raise RemoteProtocolError(
            "invalid handshake: sid must not be empty, and numbers must be > 0"
        )
    return handshake
