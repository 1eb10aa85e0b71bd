"""Socket.IO v5 without I/O: encodes and decodes packets as text and binary attachments."""

from longwire.socketio.decoder import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    IncompletePacket,
    decode_packet,
    decode_plain_event,
)
from longwire.socketio.encoder import (
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)
from longwire.socketio.packet import (
    MAIN,
    RESERVED_EVENTS,
    Ack,
    Connect,
    ConnectError,
    Disconnect,
    Event,
    Grant,
    Packet,
)
from longwire.socketio.surrogates import replace_lone_surrogates

__all__ = [
    "MAIN",
    "MAX_ATTACHMENTS",
    "MAX_ATTACHMENT_BYTES",
    "RESERVED_EVENTS",
    "Ack",
    "Connect",
    "ConnectError",
    "Disconnect",
    "Event",
    "Grant",
    "IncompletePacket",
    "Packet",
    "decode_packet",
    "decode_plain_event",
    "encode_ack",
    "encode_connect",
    "encode_connect_error",
    "encode_disconnect",
    "encode_event",
    "replace_lone_surrogates",
]
