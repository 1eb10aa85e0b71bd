"""RFC 6455 without I/O: frames and messages for both roles, and the server's handshake.

Masks are arguments. Errors of the peer are return values. No extensions are supported.
"""

from longwire.websocket.decoder import DEFAULT_MAX_MESSAGE, FrameDecoder, Role
from longwire.websocket.frames import (
    encode_binary,
    encode_close,
    encode_frame,
    encode_ping,
    encode_pong,
    encode_text,
)
from longwire.websocket.handshake import HandshakeRequest, accept_key, encode_response, read_request
from longwire.websocket.messages import (
    Close,
    Message,
    Ping,
    Pong,
    ProtocolViolation,
    is_valid_close_code,
)

__all__ = [
    "DEFAULT_MAX_MESSAGE",
    "Close",
    "FrameDecoder",
    "HandshakeRequest",
    "Message",
    "Ping",
    "Pong",
    "ProtocolViolation",
    "Role",
    "accept_key",
    "encode_binary",
    "encode_close",
    "encode_frame",
    "encode_ping",
    "encode_pong",
    "encode_response",
    "encode_text",
    "is_valid_close_code",
    "read_request",
]
