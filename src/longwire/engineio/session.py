"""What the two ends of a session share: queue, events, packets that mean the same to both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from longwire.engineio.probe import Probe

CLOSE_TIMEOUT = 30.0
"""How long a goodbye waits for the request that carries it, as in the reference."""

_WEBSOCKET = State.WEBSOCKET
_ENDING = (State.CLOSING, State.CLOSED)  # no set: hashing an Enum takes longer than comparing two


class Session(ABC):
    """One end of an Engine.IO session.

    Whatever the peer does wrong ends in `Closed`; the caller's mistakes raise `LocalProtocolError`.
    What is sent after the end began goes nowhere, without complaint: the caller cannot know yet.
    What arrives after it is dropped.

    Attributes:
        transport: what carries the session now.
        state: where the session is.
        buffered_bytes: bytes that were sent here and not taken by the driver yet.
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
        # Made when there is something to hold: an idle session keeps none of them.
        self._events: list[SessionEvent] | None = None
        self._queue: list[str | bytes] | None = None
        self._probe: Probe | None = None

    # -- what the driver may ask

    @property
    def probing(self) -> bool:
        """Whether a second WebSocket is on probation; when that fails, close that WebSocket."""
        return self._probe is not None

    @property
    def upgraded(self) -> bool:
        """Whether a WebSocket carries the session, by upgrade or from the start."""
        return self.transport == "websocket"

    @property
    def can_write_directly(self) -> bool:
        """Whether packets may go to the WebSocket past this object without overtaking others."""
        return self.state is _WEBSOCKET and self._queue is None

    def can_read_directly(self, message: str) -> bool:
        """Whether a message of the active WebSocket may be read past this object.

        It may if nothing that arrived before still waits here, and its size is certainly allowed.
        """
        limit = self._max_received
        return (
            self.state is _WEBSOCKET
            and self._events is None
            and (limit is None or len(message) * 4 <= limit)
        )

    def events(self) -> list[SessionEvent]:
        """What happened since the last call, in order."""
        events = self._events
        if events is None:
            return []
        self._events = None
        return events

    def messages_to_send(self) -> list[str | bytes]:
        """What to write to the active WebSocket, one frame each; none while requests carry it all.

        After `Closed` it still gives what was sent before: write it, then close the WebSocket.
        """
        if self._queue is None or self.transport == "polling" or self.state is State.OPENING:
            return []
        return self._take_queue()

    def probe_messages_to_send(self) -> list[str | bytes]:
        """What to write to the probing WebSocket."""
        return [] if self._probe is None else self._probe.take_messages()

    def next_deadline(self) -> float | None:
        """When `handle_deadline` wants to be called; None once the session is over."""
        if self._probe is None or self._deadline is None:
            return self._deadline
        return min(self._deadline, self._probe.deadline)

    # -- what the application says

    def max_message(self, message: str | bytes) -> int | None:
        """Return the bound that this message is too large for; None if it may be sent."""
        return None

    def send_message(self, data: str | bytes) -> None:
        """Send one message: text or binary.

        Raises:
            LocalProtocolError: text that UTF-8 cannot carry, or U+001E on long-polling, where it
                separates packets.
        """
        if isinstance(data, str):
            if self.transport == "polling" and SEPARATOR in data:
                raise LocalProtocolError("U+001E separates packets on long-polling")
            self._send(MESSAGE + data)
        else:
            self._send(data)

    def send_packets(self, packets: Iterable[str]) -> None:
        """Send packets that are encoded already, engine prefix included (`42["event"]`)."""
        for packet in packets:
            self._send(packet)

    def close(self, reason: DisconnectReason, now: float) -> None:
        """End the session; what was sent before still goes out.

        On a WebSocket `Closed` follows at once. On long-polling it comes when the goodbye is on its
        way; the driver keeps the session until then.
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
        """End the session at once for a fault of the peer that a layer above found."""
        self._end(PARSE_ERROR, error)

    # -- what the peer says

    def receive_message(self, data: str | bytes, now: float) -> None:
        """One message of the active WebSocket; dropped while requests carry the session."""
        if self.transport == "polling" or self.state is State.CLOSED:
            return
        try:
            self._check_size(data)
            self._receive_packet(data, now)
        except RemoteProtocolError as error:
            self.fail(error)

    def receive_eof(self, now: float) -> None:
        """The active transport is gone: the WebSocket ended, or a request of the session failed."""
        self._end(TRANSPORT_CLOSED)

    def receive_probe_eof(self, now: float) -> None:
        """The probing WebSocket ended: the session goes on without it, unless it moved there."""
        if self.transport == "websocket":
            self.receive_eof(now)
        else:
            self._fail_probe()

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        if self._probe is not None and now >= self._probe.deadline:
            self._fail_probe()
        if self._deadline is None or now < self._deadline:
            return
        if self.state is State.CLOSING:
            self._end(TRANSPORT_CLOSED)
        else:
            self._handle_heartbeat(now)

    # -- for the two ends

    @abstractmethod
    def _receive_control(self, packet: str, now: float) -> None:
        """A packet of a type other than message."""

    @abstractmethod
    def _handle_heartbeat(self, now: float) -> None:
        """The deadline of the heartbeat is there."""

    @abstractmethod
    def _can_end(self) -> bool:
        """Whether nothing has to wait for a request that is still to come."""

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
        """Drop the probing WebSocket; requests go on carrying the session."""
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
        # Text of n characters is at most 4n bytes: only near the limit it has to be measured.
        if limit is not None and len(data) * 4 > limit and wire_size(data) > limit:
            raise RemoteProtocolError(f"more than {limit} bytes")

    def _receive_body(self, body: str, now: float) -> bool:
        """Whether the body was sound."""
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
