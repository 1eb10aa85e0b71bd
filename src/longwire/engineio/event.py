"""The events that a session reports to its driver."""

import msgspec

from longwire.engineio.handshake import Handshake
from longwire.reasons import DisconnectReason


class Opened(msgspec.Struct, frozen=True):
    """The client has received the handshake. A server session is open from the start."""

    handshake: Handshake


class MessageReceived(msgspec.Struct, frozen=True, gc=False):
    """The peer sent a message: text as `str`, binary as `bytes`."""

    data: str | bytes


class Upgraded(msgspec.Struct, frozen=True):
    """The session has moved from long-polling to the probing WebSocket."""


class Closed(msgspec.Struct, frozen=True):
    """The session has ended. This is its last event.

    Attributes:
        reason: the reason, with advice whether to reconnect.
        error: the protocol error, if the peer caused one.
    """

    reason: DisconnectReason
    error: Exception | None = None


SessionEvent = Opened | MessageReceived | Upgraded | Closed
