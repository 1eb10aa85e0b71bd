"""One end of a Socket.IO connection over Engine.IO, without I/O."""

from longwire.connection.connection import Connection, ConnectionOptions
from longwire.connection.events import (
    AckReceived,
    Connected,
    ConnectionEvent,
    ConnectRequested,
    Disconnected,
    EventReceived,
    Refused,
)

__all__ = [
    "AckReceived",
    "ConnectRequested",
    "Connected",
    "Connection",
    "ConnectionEvent",
    "ConnectionOptions",
    "Disconnected",
    "EventReceived",
    "Refused",
]
