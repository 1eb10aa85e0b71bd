"""Packets as they are received: names and numbers decoded, arguments left as raw JSON."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from longwire.errors import RemoteProtocolError
from longwire.socketio.binary import put_attachments_in

MAIN = "/"
"""The namespace that goes unnamed on the wire."""

RESERVED_EVENTS = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)
"""Names that both ends raise themselves; no packet may carry them."""

MAX_ACK_ID = 2**53 - 1
"""Larger integers lose digits in JavaScript, so an answer could reach another question."""


class Grant(msgspec.Struct, frozen=True):
    """A server's answer to CONNECT.

    Attributes:
        sid: the client's public id in the namespace.
        pid: the private id with which the server would recover the session; None if it would not.
    """

    sid: str
    pid: str | None = None


_GRANT: Final = msgspec.json.Decoder(Grant)


class Connect(msgspec.Struct, frozen=True):
    """A client asks for a namespace (`data`: its auth payload) or a server grants it.

    Attributes:
        namespace: the namespace.
        data: a JSON object, raw; None if there was none.
    """

    namespace: str
    data: msgspec.Raw | None = None

    def grant(self) -> Grant:
        """What the server grants.

        Raises:
            RemoteProtocolError: this is no CONNECT of a server of version 5.
        """
        try:
            return _GRANT.decode(self.data or b"")
        except (ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"invalid CONNECT: {error}") from error


class Disconnect(msgspec.Struct, frozen=True):
    """The peer leaves a namespace."""

    namespace: str


class ConnectError(msgspec.Struct, frozen=True):
    """The server refuses a namespace.

    Attributes:
        namespace: the namespace.
        message: why, for a person.
        data: whatever else the server tells, raw JSON.
    """

    namespace: str
    message: str
    data: msgspec.Raw | None = None

    def value(self) -> Any:
        """`data` as a Python object; None if there was none.

        Raises:
            RemoteProtocolError: as for `Event.values`.
        """
        return None if self.data is None else put_attachments_in((self.data,), ())[0]


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event, complete with its attachments.

    Attributes:
        namespace: the namespace.
        name: the event's name.
        args: the arguments, raw JSON each; binary ones are placeholders in there.
        attachments: the binary data that the placeholders stand for.
        ack_id: the number to answer to; None if no answer is wanted. 0 is a number.
    """

    namespace: str
    name: str
    args: tuple[msgspec.Raw, ...] = ()
    attachments: tuple[bytes, ...] = ()
    ack_id: int | None = None

    def values(self) -> list[Any]:
        """The arguments as Python objects, binary ones as `bytes`.

        Raises:
            RemoteProtocolError: a number is too large, or the nesting too deep, for Python.
        """
        return put_attachments_in(self.args, self.attachments)


class Ack(msgspec.Struct, frozen=True, gc=False):
    """An answer to an event.

    Attributes:
        namespace: the namespace.
        ack_id: the event's number.
        args: the arguments, raw JSON each; binary ones are placeholders in there.
        attachments: the binary data that the placeholders stand for.
    """

    namespace: str
    ack_id: int
    args: tuple[msgspec.Raw, ...] = ()
    attachments: tuple[bytes, ...] = ()

    def values(self) -> list[Any]:
        """The arguments as Python objects, binary ones as `bytes`.

        Raises:
            RemoteProtocolError: as for `Event.values`.
        """
        return put_attachments_in(self.args, self.attachments)


Packet = Connect | Disconnect | ConnectError | Event | Ack
