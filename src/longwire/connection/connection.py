"""One end of a connection: Socket.IO's namespaces, events and acknowledgements over Engine.IO.

A driver passes received data to `connection.engine`, handles `connection.events()`, and writes
`connection.messages_to_send()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from longwire.connection.events import (
    Connected,
    ConnectionEvent,
    ConnectRequested,
    Disconnected,
    Refused,
)
from longwire.engineio.client import ClientSession
from longwire.engineio.event import Closed, MessageReceived, Opened
from longwire.engineio.payload import MESSAGE
from longwire.engineio.server import ServerSession
from longwire.engineio.session import Session
from longwire.engineio.state import State
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.prepared import PreparedMessage
from longwire.reasons import CONNECT_TIMEOUT, DisconnectReason
from longwire.socketio.decoder import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    IncompletePacket,
    decode_packet,
    decode_plain_event,
)
from longwire.socketio.encoder import (
    EncodedEvent,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    encode_event_packet,
)
from longwire.socketio.packet import MAIN, Ack, Connect, ConnectError, Disconnect, Event, Packet


class ConnectionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a connection. The defaults of the first two are those of the reference.

    Attributes:
        connect_timeout: seconds within which a client must have been accepted in a namespace.
        max_attachments: binary attachments of one packet.
        max_attachment_bytes: total bytes of one packet's attachments.
        max_namespaces: namespaces that a client has joined or requested; applications use fewer.
    """

    connect_timeout: float = 45.0
    max_attachments: int = MAX_ATTACHMENTS
    max_attachment_bytes: int = MAX_ATTACHMENT_BYTES
    max_namespaces: int = 32


_NONE: Final[frozenset[str]] = frozenset()
_ONLY_MAIN: Final = frozenset((MAIN,))
"""Shared by all connections that have joined only the main namespace, which is almost all."""

_CONTENT: Final = (Event, Ack)
_EVENT: Final = MESSAGE + "2"
_OVER: Final = (State.CLOSING, State.CLOSED)
DEFAULT_OPTIONS: Final = ConnectionOptions()


@dataclass(eq=False, repr=False, slots=True)
class Connection:
    """One end of a Socket.IO connection.

    A protocol error of the peer closes it. `Closed` is the last event, occurs once, and applies to
    all namespaces. Once the connection is closing, packets to send are dropped silently.

    Attributes:
        engine: the Engine.IO session.
        is_server: whether this is the server's end.
        connect_deadline: when a client must be connected to a namespace; None once it is.
    """

    engine: Session
    _options: ConnectionOptions
    is_server: bool
    connect_deadline: float | None = None
    _connected: frozenset[str] = _NONE
    _pending: frozenset[str] = _NONE
    _left: frozenset[str] = _NONE
    _next_ack_id: int = 0
    _incomplete: IncompletePacket | None = None

    @classmethod
    def server(cls, session: ServerSession, options: ConnectionOptions, now: float) -> Connection:
        """Create the server's end; see `ConnectionOptions.connect_timeout`."""
        return cls(session, options, is_server=True, connect_deadline=now + options.connect_timeout)

    @classmethod
    def client(
        cls, session: ClientSession, options: ConnectionOptions = DEFAULT_OPTIONS
    ) -> Connection:
        """Create the client's end."""
        return cls(session, options, is_server=False)

    # -- state and output

    @property
    def can_write_directly(self) -> bool:
        """Whether a prepared message may be written to the WebSocket without this object.

        That is the case if the main namespace is joined and no earlier message is queued here.
        """
        return MAIN in self._connected and self.engine.can_write_directly

    @property
    def can_read_directly(self) -> bool:
        """Whether events of the main namespace may be handled without this object."""
        return (
            MAIN in self._connected
            and self._incomplete is None
            and self.engine.can_read_directly("")
        )

    def read_event(self, message: str | bytes) -> Event | None:
        """Decode a message of the active WebSocket directly, if `decode_plain_event` can.

        The event is the same as from `engine.receive_message` and `events`, at a third of the cost.
        None: nothing has changed, and the message must be passed to `engine.receive_message`.
        """
        if (
            type(message) is not str
            or not message.startswith(_EVENT)
            or self._incomplete is not None
            or MAIN not in self._connected
            or not self.engine.can_read_directly(message)
        ):
            return None
        return decode_plain_event(message, 1)

    def events(self) -> list[ConnectionEvent]:
        """Return the events since the last call, in order."""
        events: list[ConnectionEvent] = []
        is_valid = True
        for event in self.engine.events():
            if isinstance(event, MessageReceived):
                is_valid = is_valid and self._receive_message(event.data, events)
            elif not isinstance(event, Opened):
                events.append(event)
        if not is_valid:
            events += [event for event in self.engine.events() if isinstance(event, Closed)]
        return events

    def messages_to_send(self) -> list[str | bytes]:
        """Return the messages to write to the active WebSocket; see `Session.messages_to_send`."""
        return self.engine.messages_to_send()

    def next_deadline(self) -> float | None:
        """Return when to call `handle_deadline`; None once the connection has ended."""
        deadline = self.engine.next_deadline()
        if deadline is None or self.connect_deadline is None:
            return deadline
        return min(deadline, self.connect_deadline)

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`, if anything."""
        if self.connect_deadline is not None and now >= self.connect_deadline:
            self.connect_deadline = None
            self.engine.close(CONNECT_TIMEOUT, now)
        self.engine.handle_deadline(now)

    # -- namespaces

    def connect(self, namespace: str, auth: object = None) -> None:
        """Request a namespace, as a client, also before the session is open.

        Args:
            namespace: the namespace.
            auth: the auth payload, a JSON object; None for no payload.

        Raises:
            LocalProtocolError: this is the server's end, or the namespace was already requested.
        """
        if self.is_server or namespace in self._connected or namespace in self._pending:
            raise LocalProtocolError(
                f"cannot request {namespace!r}: already requested, or this is a server"
            )
        self.engine.send_message(encode_connect(namespace, auth))
        self._pending = _with(self._pending, namespace)

    def accept(
        self, namespace: str, sid: str, pid: str | None = None, replay: Sequence[str] = ()
    ) -> None:
        """Accept the client in the namespace that it requested.

        Args:
            namespace: the namespace.
            sid: the client's public id in the namespace; it must differ from the session id.
            pid: the private id for connection state recovery; None if it is not offered.
            replay: encoded packets that a recovered session missed, sent before the CONNECT.

        Raises:
            LocalProtocolError: the client has not requested the namespace.
        """
        if self._take_pending(namespace):
            self.engine.send_packets(replay)
            grant = {"sid": sid} if pid is None else {"sid": sid, "pid": pid}
            self.engine.send_message(encode_connect(namespace, grant))
            self._connected = _with(self._connected, namespace)
            self.connect_deadline = None

    def refuse(self, namespace: str, message: str, data: object = None) -> None:
        """Reject the client's request for a namespace. The connection stays open.

        Args:
            namespace: the namespace.
            message: the reason, for people.
            data: more about the reason; None for nothing.

        Raises:
            LocalProtocolError: the client has not requested the namespace.
        """
        if self._take_pending(namespace):
            self.engine.send_message(encode_connect_error(namespace, message, data))

    def disconnect(self, namespace: str) -> None:
        """Leave a namespace, or remove the client from it. Does nothing if it is not joined.

        A stock client does not reconnect by itself after it was removed.
        """
        if namespace in self._connected:
            self.engine.send_message(encode_disconnect(namespace))
            self._connected = _without(self._connected, namespace)
            self._left = _with(self._left, namespace)
        elif not self.is_server:
            self._pending = _without(self._pending, namespace)

    def close(self, reason: DisconnectReason, now: float) -> None:
        """Close the connection; packets sent before are still delivered.

        If the reason advises against reconnecting, DISCONNECT is sent first in every namespace: a
        stock client then does not reconnect.
        """
        if not reason.reconnect:
            for namespace in sorted(self._connected):
                self.engine.send_message(encode_disconnect(namespace))
        self.engine.close(reason, now)

    # -- events

    def next_ack_id(self) -> int:
        """Return an unused id for an event that requests an acknowledgement."""
        number = self._next_ack_id
        self._next_ack_id += 1
        return number

    def send_event(
        self, namespace: str, name: str, args: Sequence[object], ack_id: int | None = None
    ) -> None:
        """Send an event.

        Args:
            namespace: a joined namespace.
            name: the event's name.
            args: values that msgspec can encode; binary data is sent as attachments.
            ack_id: an id from `next_ack_id`; None to request no acknowledgement.

        Raises:
            LocalProtocolError: the namespace is not joined, the name is reserved, an argument
                cannot be encoded, or the message exceeds the server's limit.
        """
        if self._can_send(namespace):
            self._send(*encode_event(namespace, name, args, ack_id))

    def send_encoded(self, namespace: str, event: EncodedEvent, ack_id: int | None = None) -> None:
        """Send an event that was encoded before; see `send_event`."""
        if self._can_send(namespace):
            self._send(encode_event_packet(namespace, event, ack_id), event.attachments)

    def send_ack(self, namespace: str, ack_id: int, args: Sequence[object]) -> None:
        """Send the acknowledgement of an event.

        Raises:
            LocalProtocolError: the namespace is not joined, or an argument cannot be encoded.
        """
        if self._can_send(namespace):
            self._send(*encode_ack(namespace, ack_id, args))

    def encode_ack(self, ack_id: int, args: Sequence[object]) -> list[str | bytes]:
        """Encode an acknowledgement in the main namespace as WebSocket messages.

        To be used if `can_write_directly` is True.

        Raises:
            LocalProtocolError: an argument cannot be encoded.
        """
        text, attachments = encode_ack(MAIN, ack_id, args)
        return [MESSAGE + text, *attachments]

    def send_prepared(self, prepared: PreparedMessage, with_position: bool) -> None:
        """Send a prepared event in the main namespace. Does nothing if that is not joined."""
        if MAIN in self._connected:
            self.engine.send_packets((prepared.packet(with_position),))

    def _send(self, text: str, attachments: Sequence[bytes]) -> None:
        messages: list[str | bytes] = [text, *attachments]
        for message in messages:
            limit = self.engine.max_message(message)
            if limit is not None:
                raise LocalProtocolError(f"the message exceeds the server's limit of {limit} bytes")
        for message in messages:
            self.engine.send_message(message)

    def _can_send(self, namespace: str) -> bool:
        if self.engine.state in _OVER:
            return False
        if namespace not in self._connected:
            raise LocalProtocolError(f"namespace {namespace!r} is not joined")
        return True

    def _take_pending(self, namespace: str) -> bool:
        """Remove a pending request for a namespace; return False if the connection is closing."""
        if self.engine.state in _OVER:
            return False
        if not self.is_server or namespace not in self._pending:
            raise LocalProtocolError(f"namespace {namespace!r} was not requested")
        self._pending = _without(self._pending, namespace)
        return True

    # -- receiving

    def _receive_message(self, data: str | bytes, events: list[ConnectionEvent]) -> bool:
        """Handle a message; return False if it is invalid, which closes the session."""
        try:
            packet = self._assemble(data)
            if packet is not None:
                self._receive_packet(packet, events)
        except RemoteProtocolError as error:
            self._incomplete = None
            self.engine.fail(error)
            return False
        return True

    def _assemble(self, data: str | bytes) -> Packet | None:
        """Return the packet that is contained in `data`, or completed by it."""
        if isinstance(data, bytes):
            if self._incomplete is None:
                raise RemoteProtocolError("received binary data without a packet that announces it")
            complete = self._incomplete.receive_attachment(data)
            if complete is not None:
                self._incomplete = None
            return complete
        if self._incomplete is not None:
            raise RemoteProtocolError("received text instead of an attachment")
        packet = decode_packet(
            data,
            max_attachments=self._options.max_attachments,
            max_attachment_bytes=self._options.max_attachment_bytes,
        )
        if not isinstance(packet, IncompletePacket):
            return packet
        self._admits(packet.namespace)
        self._incomplete = packet
        return None

    def _receive_packet(self, packet: Packet, events: list[ConnectionEvent]) -> None:
        if isinstance(packet, _CONTENT):
            if self._admits(packet.namespace):
                events.append(packet)
        elif isinstance(packet, Disconnect):
            self._receive_disconnect(packet, events)
        elif self.is_server:
            self._receive_connect(packet, events)
        elif packet.namespace in self._pending:
            self._receive_connect_reply(packet, events)

    def _admits(self, namespace: str) -> bool:
        """Whether to handle a packet of this namespace, or to ignore it.

        Both ends ignore packets of a namespace that they have left. A client handles packets before
        the CONNECT, since a server may replay missed packets.

        Raises:
            RemoteProtocolError: the client has never joined the namespace.
        """
        if namespace in self._connected:
            return True
        if self.is_server and namespace not in self._left:
            raise RemoteProtocolError(
                f"received a packet for namespace {namespace!r}, which is not joined"
            )
        return not self.is_server and namespace in self._pending

    def _receive_disconnect(self, packet: Disconnect, events: list[ConnectionEvent]) -> None:
        if self._admits(packet.namespace):
            self._connected = _without(self._connected, packet.namespace)
            self._pending = _without(self._pending, packet.namespace)
            events.append(Disconnected(packet.namespace))

    def _receive_connect(
        self, packet: Connect | ConnectError, events: list[ConnectionEvent]
    ) -> None:
        namespace = packet.namespace
        if isinstance(packet, ConnectError):
            raise RemoteProtocolError("only a server may send CONNECT_ERROR")
        if namespace in self._connected or namespace in self._pending:
            raise RemoteProtocolError(f"namespace {namespace!r} was requested twice")
        self._left = _without(self._left, namespace)
        known = len(self._connected) + len(self._pending) + len(self._left)
        if known >= self._options.max_namespaces:
            raise RemoteProtocolError(f"more than {self._options.max_namespaces} namespaces")
        self._pending = _with(self._pending, namespace)
        events.append(ConnectRequested(namespace, packet.data))

    def _receive_connect_reply(
        self, packet: Connect | ConnectError, events: list[ConnectionEvent]
    ) -> None:
        namespace = packet.namespace
        if isinstance(packet, ConnectError):
            events.append(Refused(namespace, packet.message, packet.value()))
        else:
            grant = packet.grant()
            events.append(Connected(namespace, grant.sid, grant.pid))
            self._connected = _with(self._connected, namespace)
        self._pending = _without(self._pending, namespace)


def _with(names: frozenset[str], name: str) -> frozenset[str]:
    return _ONLY_MAIN if not names and name == MAIN else names | {name}


def _without(names: frozenset[str], name: str) -> frozenset[str]:
    return (names - {name}) or _NONE
