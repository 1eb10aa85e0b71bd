"""What a session reports to its driver."""

from __future__ import annotations

import msgspec

from longwire.engineio.handshake import Handshake  # noqa: TC001 (msgspec reads annotations)
from longwire.reasons import DisconnectReason  # noqa: TC001


class Opened(msgspec.Struct, frozen=True):
    """The client has the handshake. A server's session is open from the start, without a word."""

    handshake: Handshake


class MessageReceived(msgspec.Struct, frozen=True, gc=False):
    """The peer sent a message: text as `str`, binary as `bytes`."""

    data: str | bytes


class Upgraded(msgspec.Struct, frozen=True):
    """The session moved from long-polling to the WebSocket that probed."""


class Closed(msgspec.Struct, frozen=True):
    """The session is over; nothing follows.

    Attributes:
        reason: why, with advice about coming back.
        error: the peer's fault, if it was one.
    """

    reason: DisconnectReason
    error: Exception | None = None


SessionEvent = Opened | MessageReceived | Upgraded | Closed
