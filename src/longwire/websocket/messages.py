"""The messages of a WebSocket connection, and the close codes (RFC 6455 §5, §7)."""

import msgspec

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
NO_STATUS = 1005
INVALID_DATA = 1007
MESSAGE_TOO_BIG = 1009


class Ping(msgspec.Struct, frozen=True, gc=False):
    """A ping; the receiver answers with a pong that has the same data (§5.5.2)."""

    data: bytes


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The answer to a ping, or an unsolicited heartbeat (§5.5.3)."""

    data: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    """The peer's close frame, which is the last one (§5.5.1).

    Attributes:
        code: the close code; `NO_STATUS` if the frame is empty.
        reason: free text, possibly empty.
    """

    code: int
    reason: str


class ProtocolViolation(msgspec.Struct, frozen=True, gc=False):
    """The peer violated RFC 6455: fail the connection with `code` (§7.1.7). It is the last message.

    Attributes:
        code: the close code to send.
        reason: the violation, short enough for a close frame.
    """

    code: int
    reason: str


Message = str | bytes | Ping | Pong | Close | ProtocolViolation
"""A complete text message (valid UTF-8), a complete binary message, or a control message."""


def is_valid_close_code(code: int) -> bool:
    """Whether a close frame may carry this code (§7.4 and the IANA registry)."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))
