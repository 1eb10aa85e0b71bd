"""The events that a connection reports to its driver."""

from typing import Any

import msgspec

from longwire.engineio.event import Closed, Upgraded
from longwire.socketio.packet import Ack, Event


class ConnectRequested(msgspec.Struct, frozen=True):
    """A client requests a namespace: answer with `accept` or `refuse`.

    Attributes:
        namespace: the namespace.
        auth: the client's auth payload, a raw JSON object; None if there is none.
    """

    namespace: str
    auth: msgspec.Raw | None


class Connected(msgspec.Struct, frozen=True):
    """The server accepted this client in a namespace.

    Attributes:
        namespace: the namespace.
        sid: the client's public id in the namespace.
        pid: the private id for connection state recovery; None if the server does not offer it.
    """

    namespace: str
    sid: str
    pid: str | None


class Refused(msgspec.Struct, frozen=True):
    """The server rejected the request for a namespace; others are not affected.

    Attributes:
        namespace: the namespace.
        message: the reason, for people.
        data: more about the reason, as Python objects.
    """

    namespace: str
    message: str
    data: Any


class Disconnected(msgspec.Struct, frozen=True):
    """The peer left a namespace; others are not affected."""

    namespace: str


EventReceived = Event
AckReceived = Ack

ConnectionEvent = (
    ConnectRequested | Connected | Refused | Event | Ack | Disconnected | Upgraded | Closed
)
