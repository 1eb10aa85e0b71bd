"""RFC 6455 without I/O: frames, messages and the handshake, for both roles.

Masks and keys are arguments. Errors of the peer are return values. No extensions are supported.
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
from longwire.websocket.handshake import (
    HandshakeFault,
    HandshakeRequest,
    accept_key,
    encode_request,
    encode_response,
    read_request,
    read_response,
)
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
    "HandshakeFault",
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
    "encode_request",
    "encode_response",
    "encode_text",
    "is_valid_close_code",
    "read_request",
    "read_response",
]
