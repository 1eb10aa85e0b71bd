"""One peer: Socket.IO's namespaces, events and acknowledgements over one Engine.IO session.

A driver feeds `connection.engine` with what arrives, then takes `connection.events()` and writes
what the engine has to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from longwire.connection.events import (
    Connected,
    ConnectRequested,
    Disconnected,
    Refused,
)
from longwire.engineio import MESSAGE, Closed, MessageReceived, Opened, State
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.reasons import CONNECT_TIMEOUT, DisconnectReason
from longwire.socketio import (
    MAIN,
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    Ack,
    Connect,
    ConnectError,
    Disconnect,
    Event,
    IncompletePacket,
    Packet,
    decode_packet,
    decode_plain_event,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    encode_event_packet,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longwire.connection.events import ConnectionEvent
    from longwire.engineio import ClientSession, ServerSession, Session
    from longwire.prepared import PreparedMessage
    from longwire.socketio import EncodedEvent


class ConnectionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what a peer may ask of a connection.

    Attributes:
        connect_timeout: seconds in which a client must have been let into a namespace; the
            reference's default.
        max_attachments: binary attachments of one packet; the reference's default.
        max_attachment_bytes: bytes of one packet's attachments together.
        max_namespaces: namespaces that a client may be in, or wait for; more than applications use.
    """

    connect_timeout: float = 45.0
    max_attachments: int = MAX_ATTACHMENTS
    max_attachment_bytes: int = MAX_ATTACHMENT_BYTES
    max_namespaces: int = 32


_NONE: Final[frozenset[str]] = frozenset()
_ONLY_MAIN: Final = frozenset((MAIN,))
"""Almost every connection is in the main namespace alone: they share this set."""

_CONTENT: Final = (Event, Ack)
_EVENT: Final = MESSAGE + "2"
_OVER: Final = (State.CLOSING, State.CLOSED)
DEFAULT_OPTIONS: Final = ConnectionOptions()


class Connection:
    """One end of a Socket.IO connection.

    The peer's faults close it: `Closed` comes once, is the last event, and covers every namespace.
    What is sent after the end began goes nowhere, without complaint.

    Attributes:
        engine: the session below.
    """

    __slots__ = (
        "_connect_deadline",
        "_connected",
        "_incomplete",
        "_is_server",
        "_left",
        "_next_ack_id",
        "_options",
        "_pending",
        "engine",
    )

    def __init__(
        self,
        engine: Session,
        options: ConnectionOptions,
        *,
        is_server: bool,
        connect_deadline: float | None = None,
    ) -> None:
        self.engine = engine
        self._options = options
        self._is_server = is_server
        self._connect_deadline = connect_deadline
        self._connected = _NONE
        self._pending = _NONE
        self._left = _NONE
        self._next_ack_id = 0
        self._incomplete: IncompletePacket | None = None

    @classmethod
    def server(cls, session: ServerSession, options: ConnectionOptions, now: float) -> Connection:
        """The server's end; the client has `connect_timeout` from `now` to be let in somewhere."""
        return cls(session, options, is_server=True, connect_deadline=now + options.connect_timeout)

    @classmethod
    def client(
        cls, session: ClientSession, options: ConnectionOptions = DEFAULT_OPTIONS
    ) -> Connection:
        """The client's end."""
        return cls(session, options, is_server=False)

    # -- what the driver asks

    @property
    def can_write_directly(self) -> bool:
        """Whether a prepared message may go to the WebSocket past this object.

        It may if the main namespace is joined and nothing that was sent before still waits here.
        """
        return MAIN in self._connected and self.engine.can_write_directly

    @property
    def can_read_directly(self) -> bool:
        """Whether events of the main namespace may be read past this object, as they arrive."""
        return (
            MAIN in self._connected
            and self._incomplete is None
            and self.engine.can_read_directly("")
        )

    def read_event(self, message: str | bytes) -> Event | None:
        """Read a message of the active WebSocket at once, if `decode_plain_event` can.

        The result is what `engine.receive_message` and then `events` would give, at a third of the
        cost. None: the message has to go that way, and nothing has happened yet.
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
        """What happened since the last call, in order."""
        events: list[ConnectionEvent] = []
        sound = True
        for event in self.engine.events():
            if isinstance(event, MessageReceived):
                sound = sound and self._receive_message(event.data, events)
            elif not isinstance(event, Opened):
                events.append(event)
        if not sound:
            events += [event for event in self.engine.events() if isinstance(event, Closed)]
        return events

    def messages_to_send(self) -> list[str | bytes]:
        """What to write to the active WebSocket; see the engine's."""
        return self.engine.messages_to_send()

    def next_deadline(self) -> float | None:
        """When `handle_deadline` wants to be called; None once the connection is over."""
        deadline = self.engine.next_deadline()
        if deadline is None or self._connect_deadline is None:
            return deadline
        return min(deadline, self._connect_deadline)

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        if self._connect_deadline is not None and now >= self._connect_deadline:
            self._connect_deadline = None
            self.engine.close(CONNECT_TIMEOUT, now)
        self.engine.handle_deadline(now)

    # -- namespaces

    def connect(self, namespace: str, auth: object = None) -> None:
        """Ask for a namespace, as a client; it may be said before the session is open.

        Args:
            namespace: the namespace.
            auth: what the server shall know, a JSON object; None for nothing.

        Raises:
            LocalProtocolError: this is the server's end, or the namespace was asked for already.
        """
        if self._is_server or namespace in self._connected or namespace in self._pending:
            raise LocalProtocolError(f"cannot ask for namespace {namespace!r} now")
        self.engine.send_message(encode_connect(namespace, auth))
        self._pending = _with(self._pending, namespace)

    def accept(
        self, namespace: str, sid: str, pid: str | None = None, replay: Sequence[str] = ()
    ) -> None:
        """Let the client into the namespace that it asked for.

        Args:
            namespace: the namespace.
            sid: the client's public id there; never the session's own.
            pid: the private id that recovers the session; None if the server does not recover.
            replay: encoded packets that a recovered session missed; they precede the CONNECT.

        Raises:
            LocalProtocolError: the client did not ask.
        """
        if self._take_pending(namespace):
            self.engine.send_packets(replay)
            grant = {"sid": sid} if pid is None else {"sid": sid, "pid": pid}
            self.engine.send_message(encode_connect(namespace, grant))
            self._connected = _with(self._connected, namespace)
            self._connect_deadline = None

    def refuse(self, namespace: str, message: str, data: object = None) -> None:
        """Keep the client out of the namespace that it asked for; the connection goes on.

        Args:
            namespace: the namespace.
            message: why, for a person.
            data: what else the client shall know; None for nothing.

        Raises:
            LocalProtocolError: the client did not ask.
        """
        if self._take_pending(namespace):
            self.engine.send_message(encode_connect_error(namespace, message, data))

    def disconnect(self, namespace: str) -> None:
        """Leave a namespace, or put the client out of it; harmless if it is not joined.

        Stock clients do not come back by themselves after it.
        """
        if namespace in self._connected:
            self.engine.send_message(encode_disconnect(namespace))
            self._connected = _without(self._connected, namespace)
            self._left = _with(self._left, namespace)
        elif not self._is_server:
            self._pending = _without(self._pending, namespace)

    def close(self, reason: DisconnectReason, now: float) -> None:
        """End the connection; what was sent before still goes out.

        If the reason advises against coming back, DISCONNECT is said first in every namespace:
        stock clients then stay away.
        """
        if not reason.reconnect:
            for namespace in sorted(self._connected):
                self.engine.send_message(encode_disconnect(namespace))
        self.engine.close(reason, now)

    # -- events

    def next_ack_id(self) -> int:
        """A number for an event that wants an answer; each is given once a connection."""
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
            args: whatever msgspec encodes; binary data in there travels as attachments.
            ack_id: the number to answer to, from `next_ack_id`; None if no answer is wanted.

        Raises:
            LocalProtocolError: the namespace is not joined, the name is reserved, or an argument
                cannot be sent, or all of it is more than the server takes.
        """
        if self._can_send(namespace):
            self._send(*encode_event(namespace, name, args, ack_id))

    def send_encoded(self, namespace: str, event: EncodedEvent, ack_id: int | None = None) -> None:
        """Send an event that was encoded before; see `send_event`."""
        if self._can_send(namespace):
            self._send(encode_event_packet(namespace, event, ack_id), event.attachments)

    def send_ack(self, namespace: str, ack_id: int, args: Sequence[object]) -> None:
        """Answer an event.

        Raises:
            LocalProtocolError: the namespace is not joined, or an argument cannot be sent.
        """
        if self._can_send(namespace):
            self._send(*encode_ack(namespace, ack_id, args))

    def encode_ack(self, ack_id: int, args: Sequence[object]) -> list[str | bytes]:
        """Encode an answer in the main namespace as the messages to write to the WebSocket.

        For whoever `can_write_directly`.

        Raises:
            LocalProtocolError: an argument cannot be sent.
        """
        text, attachments = encode_ack(MAIN, ack_id, args)
        return [MESSAGE + text, *attachments]

    def send_prepared(self, prepared: PreparedMessage, positions: bool) -> None:
        """Send a prepared event in the main namespace; nothing if that is not joined."""
        if MAIN in self._connected:
            self.engine.send_packets((prepared.packet(positions),))

    def _send(self, text: str, attachments: Sequence[bytes]) -> None:
        messages: list[str | bytes] = [text, *attachments]
        for message in messages:
            limit = self.engine.max_message(message)
            if limit is not None:
                raise LocalProtocolError(f"more than the {limit} bytes that the server takes")
        for message in messages:
            self.engine.send_message(message)

    def _can_send(self, namespace: str) -> bool:
        if self.engine.state in _OVER:
            return False
        if namespace not in self._connected:
            raise LocalProtocolError(f"namespace {namespace!r} is not joined")
        return True

    def _take_pending(self, namespace: str) -> bool:
        """Whether an answer to CONNECT can be sent; the question is then settled."""
        if self.engine.state in _OVER:
            return False
        if not self._is_server or namespace not in self._pending:
            raise LocalProtocolError(f"nobody asks for namespace {namespace!r}")
        self._pending = _without(self._pending, namespace)
        return True

    # -- what the peer says

    def _receive_message(self, data: str | bytes, events: list[ConnectionEvent]) -> bool:
        """Whether the message was sound; if not, the session is failed."""
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
        """The packet that `data` is, or completes."""
        if isinstance(data, bytes):
            if self._incomplete is None:
                raise RemoteProtocolError("binary data that no packet announced")
            complete = self._incomplete.receive_attachment(data)
            if complete is not None:
                self._incomplete = None
            return complete
        if self._incomplete is not None:
            raise RemoteProtocolError("text where an attachment is due")
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
        elif self._is_server:
            self._receive_request(packet, events)
        elif packet.namespace in self._pending:
            self._receive_answer(packet, events)

    def _admits(self, namespace: str) -> bool:
        """Whether a packet of this namespace is for anybody.

        A client ignores what came too late, and takes what a server replays before its CONNECT.

        Raises:
            RemoteProtocolError: the client that sent it never joined.
        """
        if namespace in self._connected:
            return True
        if self._is_server and namespace not in self._left:
            raise RemoteProtocolError(f"a packet for namespace {namespace!r}, which is not joined")
        return not self._is_server and namespace in self._pending

    def _receive_disconnect(self, packet: Disconnect, events: list[ConnectionEvent]) -> None:
        if self._admits(packet.namespace):
            self._connected = _without(self._connected, packet.namespace)
            self._pending = _without(self._pending, packet.namespace)
            events.append(Disconnected(packet.namespace))

    def _receive_request(
        self, packet: Connect | ConnectError, events: list[ConnectionEvent]
    ) -> None:
        namespace = packet.namespace
        if isinstance(packet, ConnectError):
            raise RemoteProtocolError("CONNECT_ERROR is the server's to say")
        if namespace in self._connected or namespace in self._pending:
            raise RemoteProtocolError(f"namespace {namespace!r} was asked for twice")
        self._left = _without(self._left, namespace)
        known = len(self._connected) + len(self._pending) + len(self._left)
        if known >= self._options.max_namespaces:
            raise RemoteProtocolError(f"more than {self._options.max_namespaces} namespaces")
        self._pending = _with(self._pending, namespace)
        events.append(ConnectRequested(namespace, packet.data))

    def _receive_answer(
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
