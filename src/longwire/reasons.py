"""The reasons for which a connection ends: a closed vocabulary, with advice whether to reconnect.

Before the server disconnects a client, it sends the reason and the advice in the event `closing`
`{"reason", "message", "reconnect", "retryAfter"}`.
"""

import msgspec


class DisconnectReason(msgspec.Struct, frozen=True):
    """A reason for which a connection ends.

    Attributes:
        code: the stable identifier, also on the wire.
        message: one sentence for people.
        reconnect: whether the client may reconnect with the same token and options.
        socketio: the corresponding reason of Socket.IO's clients.
    """

    code: str
    message: str
    reconnect: bool
    socketio: str


CLIENT_DISCONNECT = DisconnectReason(
    "client_disconnect", "The client disconnected.", False, "client namespace disconnect"
)
SERVER_DISCONNECT = DisconnectReason(
    "server_disconnect", "The server closed the connection.", False, "server namespace disconnect"
)
SERVER_SHUTDOWN = DisconnectReason(
    "server_shutdown", "The server is restarting.", True, "server shutting down"
)
TRANSPORT_CLOSED = DisconnectReason(
    "transport_closed", "The transport was closed.", True, "transport close"
)
TRANSPORT_ERROR = DisconnectReason(
    "transport_error", "The transport failed.", True, "transport error"
)
PING_TIMEOUT = DisconnectReason(
    "ping_timeout", "The peer did not answer the heartbeat.", True, "ping timeout"
)
PARSE_ERROR = DisconnectReason(
    "parse_error", "The peer sent an invalid packet.", False, "parse error"
)
CONNECT_TIMEOUT = DisconnectReason(
    "connect_timeout",
    "The client was not connected to a namespace in time.",
    True,
    "forced server close",
)
TOKEN_EXPIRED = DisconnectReason(
    "token_expired", "The token has expired.", False, "forced server close"
)
TOKEN_REVOKED = DisconnectReason(
    "token_revoked", "The token is no longer valid.", False, "forced server close"
)
TOO_SLOW = DisconnectReason(
    "too_slow",
    "The connection stalled for too long; resume from your position.",
    True,
    "forced server close",
)
LIMIT_EXCEEDED = DisconnectReason(
    "limit_exceeded", "The connection exceeded a limit.", False, "forced server close"
)

REASONS = {
    value.code: value for value in list(globals().values()) if isinstance(value, DisconnectReason)
}
"""All reasons of this module, by their codes."""
