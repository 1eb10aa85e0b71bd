"""One end of a Socket.IO connection over Engine.IO, without I/O.

connection  namespaces, events and acknowledgements
events      the events that a connection reports to its driver
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
