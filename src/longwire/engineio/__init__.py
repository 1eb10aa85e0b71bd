"""Engine.IO v4 without I/O: one session per peer, over long-polling, WebSocket and the upgrade.

The inputs of `ServerSession` and `ClientSession` are received data (`receive_*`), the time
(`handle_deadline`), and what the application sends (`send_*`, `close`). The outputs are `events`,
and data to write (`messages_to_send`, and the requests of long-polling). An error of the peer
never raises: it closes the session.
"""

from longwire.engineio.client import ClientOptions, ClientSession
from longwire.engineio.errors import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    FORBIDDEN,
    TRANSPORT_UNKNOWN,
    UNKNOWN_SESSION,
    UNSUPPORTED_VERSION,
    RequestError,
    forbidden,
)
from longwire.engineio.event import Closed, MessageReceived, Opened, SessionEvent, Upgraded
from longwire.engineio.handshake import Handshake
from longwire.engineio.payload import decode_payload, encode_payload
from longwire.engineio.query import Query, parse_query
from longwire.engineio.server import Options, ServerSession
from longwire.engineio.session import Session
from longwire.engineio.state import TRANSITIONS, Signal, State, Transport

__all__ = [
    "BAD_HANDSHAKE_METHOD",
    "BAD_REQUEST",
    "FORBIDDEN",
    "TRANSITIONS",
    "TRANSPORT_UNKNOWN",
    "UNKNOWN_SESSION",
    "UNSUPPORTED_VERSION",
    "ClientOptions",
    "ClientSession",
    "Closed",
    "Handshake",
    "MessageReceived",
    "Opened",
    "Options",
    "Query",
    "RequestError",
    "ServerSession",
    "Session",
    "SessionEvent",
    "Signal",
    "State",
    "Transport",
    "Upgraded",
    "decode_payload",
    "encode_payload",
    "forbidden",
    "parse_query",
]
