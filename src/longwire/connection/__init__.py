"""One peer: Socket.IO over Engine.IO, without I/O.

connection  one end of a connection: namespaces, events, acknowledgements
events      what it tells its driver
"""

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
