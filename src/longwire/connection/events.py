"""What a connection tells its driver."""

from __future__ import annotations

from typing import Any

import msgspec

from longwire.engineio import Closed, Upgraded
from longwire.socketio import Ack, Event


class ConnectRequested(msgspec.Struct, frozen=True):
    """A client asks for a namespace: answer with `accept` or `refuse`.

    Attributes:
        namespace: the namespace.
        auth: the client's auth payload, a raw JSON object; None if it gave none.
    """

    namespace: str
    auth: msgspec.Raw | None


class Connected(msgspec.Struct, frozen=True):
    """The server let this client into a namespace.

    Attributes:
        namespace: the namespace.
        sid: the client's public id there.
        pid: the private id with which the server would recover this session; None if it would not.
    """

    namespace: str
    sid: str
    pid: str | None


class Refused(msgspec.Struct, frozen=True):
    """The server refused a namespace; others are not affected.

    Attributes:
        namespace: the namespace.
        message: why, for a person.
        data: what else the server told, as Python objects.
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
