"""Packets as received, with the arguments as raw JSON."""

from typing import Any, Final

import msgspec

from longwire.errors import RemoteProtocolError
from longwire.socketio.binary import insert_attachments

MAIN = "/"
"""The main namespace, which is omitted on the wire."""

RESERVED_EVENTS = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)
"""Names of local events on both ends; a packet must not use them."""

MAX_ACK_ID = 2**53 - 1
"""JavaScript rounds larger integers, so an acknowledgement could be assigned to another event."""


class Grant(msgspec.Struct, frozen=True):
    """The payload of a server's CONNECT.

    Attributes:
        sid: the client's public id in the namespace.
        pid: the private id for connection state recovery; None if the server does not offer it.
    """

    sid: str
    pid: str | None = None


_GRANT: Final = msgspec.json.Decoder(Grant)


class Connect(msgspec.Struct, frozen=True):
    """A client requests a namespace, or a server grants it.

    Attributes:
        namespace: the namespace.
        data: the auth payload or the grant, a raw JSON object; None if there is none.
    """

    namespace: str
    data: msgspec.Raw | None = None

    def grant(self) -> Grant:
        """Decode the grant of a server.

        Raises:
            RemoteProtocolError: the payload is not that of a server with protocol version 5.
        """
        try:
            return _GRANT.decode(self.data or b"")
        except (ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"invalid CONNECT: {error}") from error


class Disconnect(msgspec.Struct, frozen=True):
    """The peer leaves a namespace."""

    namespace: str


class ConnectError(msgspec.Struct, frozen=True):
    """The server rejects the request for a namespace.

    Attributes:
        namespace: the namespace.
        message: the reason, for people.
        data: more about the reason, raw JSON; None if there is nothing.
    """

    namespace: str
    message: str
    data: msgspec.Raw | None = None

    def value(self) -> Any:
        """Return `data` as a Python object; None if there is none.

        Raises:
            RemoteProtocolError: see `Event.values`.
        """
        return None if self.data is None else insert_attachments((self.data,), ())[0]


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event, complete with its attachments.

    Attributes:
        namespace: the namespace.
        name: the event's name.
        args: the arguments, each as raw JSON with placeholders for binary data.
        attachments: the binary data.
        ack_id: the id of the acknowledgement; None if none is requested. 0 is a valid id.
    """

    namespace: str
    name: str
    args: tuple[msgspec.Raw, ...] = ()
    attachments: tuple[bytes, ...] = ()
    ack_id: int | None = None

    def values(self) -> list[Any]:
        """Return the arguments as Python objects, with binary data as `bytes`.

        Raises:
            RemoteProtocolError: a number is too large, or the nesting too deep, for Python.
        """
        return insert_attachments(self.args, self.attachments)


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The acknowledgement of an event.

    Attributes:
        namespace: the namespace.
        ack_id: the id that the event requested.
        args: the arguments, each as raw JSON with placeholders for binary data.
        attachments: the binary data.
    """

    namespace: str
    ack_id: int
    args: tuple[msgspec.Raw, ...] = ()
    attachments: tuple[bytes, ...] = ()

    def values(self) -> list[Any]:
        """Return the arguments as Python objects, with binary data as `bytes`.

        Raises:
            RemoteProtocolError: see `Event.values`.
        """
        return insert_attachments(self.args, self.attachments)


Packet = Connect | Disconnect | ConnectError | Event | Ack
