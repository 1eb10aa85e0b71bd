"""The base class of both ends of a session: the queue, the events, and the common packets."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from longwire.engineio.event import Closed, MessageReceived, SessionEvent, Upgraded
from longwire.engineio.payload import (
    BINARY,
    CLOSE,
    MESSAGE,
    SEPARATOR,
    decode_binary,
    decode_payload,
    wire_size,
)
from longwire.engineio.state import TRANSITIONS, Signal, State, Transport
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.reasons import PARSE_ERROR, TRANSPORT_CLOSED, DisconnectReason

CLOSE_TIMEOUT = 30.0
"""Seconds that a close packet waits for the request that delivers it, as in the reference."""

_WEBSOCKET = State.WEBSOCKET
_ENDING = (State.CLOSING, State.CLOSED)  # a tuple: comparing two members is faster than hashing one


@dataclass(eq=False, repr=False, slots=True)
class Probe:
    """A WebSocket that a long-polling session is about to move to.

    Attributes:
        deadline: when the probe fails.
        messages: packets to write to the WebSocket.
        noop_at: when the server may next answer a waiting poll with a noop (`6`).
    """

    deadline: float
    messages: list[str | bytes] = field(default_factory=list[str | bytes])
    noop_at: float = math.inf


class Session(ABC):
    """One end of an Engine.IO session.

    Protocol errors of the peer end in `Closed`; those of the caller raise `LocalProtocolError`.
    Once the session is closing, packets to send are dropped silently, since the caller may not know
    it yet, and received ones are ignored.

    Attributes:
        transport: the current transport.
        state: the current state.
        buffered_bytes: bytes that were sent and that the driver has not fetched yet.
    """

    __slots__ = (
        "_close_reason",
        "_deadline",
        "_events",
        "_max_received",
        "_probe",
        "_queue",
        "buffered_bytes",
        "state",
        "transport",
    )

    def __init__(self, transport: Transport, deadline: float, max_received: int | None) -> None:
        self.transport: Transport = transport
        self.state = State.OPENING
        self.buffered_bytes = 0
        self._deadline: float | None = deadline
        self._max_received = max_received
        self._close_reason: DisconnectReason | None = None
        # Created on demand, to save memory in idle sessions.
        self._events: list[SessionEvent] | None = None
        self._queue: list[str | bytes] | None = None
        self._probe: Probe | None = None

    # -- state and output

    @property
    def probing(self) -> bool:
        """Whether a WebSocket is probing. When this becomes False without an upgrade, close it."""
        return self._probe is not None

    @property
    def upgraded(self) -> bool:
        """Whether the session uses a WebSocket, by upgrade or from the start."""
        return self.transport == "websocket"

    @property
    def can_write_directly(self) -> bool:
        """Whether packets may be written to the WebSocket directly, since none are queued."""
        return self.state is _WEBSOCKET and self._queue is None

    def can_read_directly(self, message: str) -> bool:
        """Whether a message of the active WebSocket may be handled without this object.

        That is the case if no earlier event waits here and the message is certainly small enough.
        """
        limit = self._max_received
        return (
            self.state is _WEBSOCKET
            and self._events is None
            and (limit is None or len(message) * 4 <= limit)
        )

    def events(self) -> list[SessionEvent]:
        """Return the events since the last call, in order."""
        events = self._events
        if events is None:
            return []
        self._events = None
        return events

    def messages_to_send(self) -> list[str | bytes]:
        """Return the messages to write to the active WebSocket, one frame each.

        Empty on long-polling. After `Closed` it still returns what was sent before: write it, then
        close the WebSocket.
        """
        if self._queue is None or self.transport == "polling" or self.state is State.OPENING:
            return []
        return self._take_queue()

    def probe_messages_to_send(self) -> list[str | bytes]:
        """Return the messages to write to the probing WebSocket."""
        if self._probe is None:
            return []
        messages, self._probe.messages = self._probe.messages, []
        return messages

    def next_deadline(self) -> float | None:
        """Return when to call `handle_deadline`; None once the session has ended."""
        if self._probe is None or self._deadline is None:
            return self._deadline
        return min(self._deadline, self._probe.deadline)

    # -- sending

    def max_message(self, message: str | bytes) -> int | None:
        """Return the limit that this message exceeds; None if it may be sent."""
        return None

    def send_message(self, data: str | bytes) -> None:
        """Send one text or binary message.

        Raises:
            LocalProtocolError: the text cannot be encoded as UTF-8, or contains U+001E, which
                separates packets, on long-polling.
        """
        if isinstance(data, str):
            if self.transport == "polling" and SEPARATOR in data:
                raise LocalProtocolError("a message on long-polling must not contain U+001E")
            self._send(MESSAGE + data)
        else:
            self._send(data)

    def send_packets(self, packets: Iterable[str]) -> None:
        """Send encoded packets, including the prefix of Engine.IO (`42["event"]`)."""
        for packet in packets:
            self._send(packet)

    def close(self, reason: DisconnectReason, now: float) -> None:
        """Close the session; packets sent before are still delivered.

        On a WebSocket `Closed` follows immediately. On long-polling it follows when a request
        delivers the close packet; the driver keeps the session until then.
        """
        if self.state in _ENDING:
            return
        if self._can_end():
            self._end(reason)
            return
        if self.state is State.PROBING:
            self._fail_probe()
        self._send(CLOSE)
        self._step(Signal.CLOSE_STARTED)
        self._close_reason = reason
        self._deadline = now + CLOSE_TIMEOUT

    def fail(self, error: RemoteProtocolError) -> None:
        """End the session immediately, after a protocol error that an upper layer detected."""
        self._end(PARSE_ERROR, error)

    # -- receiving

    def receive_message(self, data: str | bytes, now: float) -> None:
        """Handle a message of the active WebSocket. It is ignored on long-polling."""
        if self.transport == "polling" or self.state is State.CLOSED:
            return
        try:
            self._check_size(data)
            self._receive_packet(data, now)
        except RemoteProtocolError as error:
            self.fail(error)

    def receive_eof(self, now: float) -> None:
        """Handle that the WebSocket was closed, or that a request of the session failed."""
        self._end(TRANSPORT_CLOSED)

    def receive_probe_eof(self, now: float) -> None:
        """Handle that the probing WebSocket was closed; the session continues on long-polling.

        After an upgrade this ends the session, since the probing WebSocket is the active one.
        """
        if self.transport == "websocket":
            self.receive_eof(now)
        else:
            self._fail_probe()

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`, if anything."""
        if self._probe is not None and now >= self._probe.deadline:
            self._fail_probe()
        if self._deadline is None or now < self._deadline:
            return
        if self.state is State.CLOSING:
            self._end(TRANSPORT_CLOSED)
        else:
            self._handle_heartbeat(now)

    # -- implemented by both ends

    @abstractmethod
    def _receive_control(self, packet: str, now: float) -> None:
        """Handle a packet that is not a message."""

    @abstractmethod
    def _handle_heartbeat(self, now: float) -> None:
        """Handle that the deadline of the heartbeat has passed."""

    @abstractmethod
    def _can_end(self) -> bool:
        """Whether the session can end without waiting for a request to deliver the close packet."""

    def _step(self, signal: Signal) -> None:
        self.state = TRANSITIONS[self.state][signal]

    def _emit(self, event: SessionEvent) -> None:
        if self._events is None:
            self._events = [event]
        else:
            self._events.append(event)

    def _send(self, packet: str | bytes) -> None:
        if self.state in _ENDING:
            return
        self.buffered_bytes += wire_size(packet)
        if self._queue is None:
            self._queue = [packet]
        else:
            self._queue.append(packet)

    def _take_queue(self) -> list[str | bytes]:
        queue, self._queue = self._queue or [], None
        self.buffered_bytes = 0
        return queue

    def _end(self, reason: DisconnectReason, error: Exception | None = None) -> None:
        if self.state is State.CLOSED:
            return
        self._step(Signal.ENDED)
        self._deadline = None
        self._probe = None
        self._emit(Closed(self._close_reason or reason, error))

    def _fail_probe(self) -> None:
        """Drop the probing WebSocket; the session continues on long-polling."""
        if self._probe is not None:
            self._probe = None
            if self.state is not State.CLOSING:
                self._step(Signal.PROBE_FAILED)

    def _upgrade(self) -> None:
        self._step(Signal.UPGRADED)
        self._probe = None
        self.transport = "websocket"
        self._emit(Upgraded())

    def _check_size(self, data: str | bytes) -> None:
        limit = self._max_received
        # Text of n characters has at most 4n bytes, so most messages need not be measured.
        if limit is not None and len(data) * 4 > limit and wire_size(data) > limit:
            raise RemoteProtocolError(f"the message has more than {limit} bytes")

    def _receive_body(self, body: str, now: float) -> bool:
        """Handle all packets of a payload; return False if one is invalid."""
        try:
            self._check_size(body)
            for packet in decode_payload(body):
                if self.state is State.CLOSED:
                    break
                self._receive_packet(packet, now)
        except RemoteProtocolError as error:
            self.fail(error)
            return False
        return True

    def _receive_packet(self, packet: str | bytes, now: float) -> None:
        if isinstance(packet, bytes):
            self._receive_data(packet)
        elif packet.startswith(MESSAGE):
            self._receive_data(packet[1:])
        elif packet.startswith(BINARY):
            self._receive_data(decode_binary(packet))
        else:
            self._receive_control(packet, now)

    def _receive_data(self, data: str | bytes) -> None:
        if self.state is not State.CLOSING:
            self._emit(MessageReceived(data))
