"""One Engine.IO connection across its transports: the sans-IO protocol, driven by asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from longwire.clock import clock
from longwire.connection.connection import Connection
from longwire.connection.events import AckReceived, ConnectRequested, Disconnected, EventReceived
from longwire.engineio.event import Closed, Upgraded
from longwire.engineio.payload import split_payload
from longwire.engineio.server import ServerSession
from longwire.prepared import PreparedBatch
from longwire.reasons import DisconnectReason
from longwire.server.limits import Limits
from longwire.server.session.deadlines import Deadlines
from longwire.server.session.slow_peer import SlowPeer
from longwire.server.session.tcp_info import UNKNOWN, Traffic
from longwire.server.session.writer import Writer

# Packets that a session handles in one turn of the loop, which takes a few milliseconds. One body
# or one read can contain 100,000 packets, and would block the loop for all other sessions.
PACKETS_AT_ONCE = 200

# Seconds until a paused session is checked again: while handlers run, which mostly end soon, and
# while the peer does not read its answers.
UNHANDLED_DELAY = 0.01
STALLED_DELAY = 0.1


class SessionOwner(Protocol):
    """Receives what happens to a session, in order."""

    def receive_connect(self, session: Session, request: ConnectRequested) -> None:
        """The client asks to be connected to a namespace."""
        ...

    def receive_event(self, session: Session, event: EventReceived) -> None:
        """The client sent an event."""
        ...

    def receive_ack(self, session: Session, ack: AckReceived) -> None:
        """The client acknowledged an event."""
        ...

    def receive_disconnect(self, session: Session) -> None:
        """The client left the main namespace."""
        ...

    def receive_drained(self, session: Session) -> None:
        """The transport, which was stalled, takes data again."""
        ...

    def receive_shutdown(self, session: Session) -> None:
        """The ASGI server stops: send the reason and close the session."""
        ...

    def receive_stalled(self, session: Session) -> None:
        """The transport was stalled for too long: send the reason and close the session."""
        ...

    def receive_closed(self, session: Session, reason: DisconnectReason) -> None:
        """The session is closed; nothing follows."""
        ...


@dataclass(eq=False, repr=False, slots=True)
class Session:
    """Passes data between the protocol objects and the transports of one connection.

    The transports are long-polling requests, a WebSocket, or both during an upgrade.

    Attributes:
        sid: the secret id of the session.
        remote: the peer's address.
        is_open: whether the session can still send.
        unhandled: bytes of events that are received but not handled; the owner updates it.
    """

    engine: ServerSession
    connection: Connection
    _owner: SessionOwner
    _deadlines: Deadlines
    remote: str
    _limits: Limits
    sid: str = field(init=False)
    is_open: bool = True
    _writer: Writer | None = None
    _probe: Writer | None = None
    _poll: asyncio.Future[str] | None = None
    _lagging: bool = False
    _slow_peer: SlowPeer | None = None  # created by the first ping or stall
    _paced_until: float = 0.0
    _is_ahead: bool = False
    unhandled: int = 0

    def __post_init__(self) -> None:
        self.sid = self.engine.sid

    # Transports

    def open_websocket(self, writer: Writer) -> None:
        """Use a WebSocket from the start; the transport sends the engine's first messages."""
        self._writer = writer

    def open_probe(self, writer: Writer) -> bool:
        """Start the upgrade to a WebSocket; return False to reject it."""
        if not self.engine.receive_probe_open(clock.monotonic()):
            return False
        self._probe = writer
        self.flush()
        return True

    def receive_websocket(self, writer: Writer, data: str | bytes) -> None:
        """Handle one WebSocket message."""
        if writer is self._writer:
            event = self.connection.read_event(data)
            if event is not None:
                self._receive_event(event)
                return
            self.engine.receive_message(data, clock.monotonic())
        elif writer is self._probe:
            self.engine.receive_probe(data, clock.monotonic())
        self.flush()

    def receive_websocket_eof(self, writer: Writer) -> None:
        """Note that a WebSocket is closed."""
        if writer is self._probe:
            self._probe = None
            self.engine.receive_probe_eof(clock.monotonic())
        elif writer is self._writer:
            self.engine.receive_eof(clock.monotonic())
        self.flush()

    def receive_post_open(self) -> bool:
        """Note that a polling POST has started; return False to reject it."""
        accepted = self.engine.receive_post_open(clock.monotonic())
        self.flush()
        return accepted

    async def receive_payload(self, body: str) -> bool:
        """Handle the body of a polling POST over several turns of the loop; False rejects it."""
        parts = split_payload(body, PACKETS_AT_ONCE)
        part: str | None = next(parts)
        accepted = True
        while part is not None and accepted:
            await self.until_readable()
            following = next(parts, None)
            accepted = self._receive_part(part, more=following is not None)
            part = following if self.is_open else None
            if part is not None:
                await asyncio.sleep(0)
        return accepted

    def _receive_part(self, body: str, *, more: bool) -> bool:
        accepted = self.engine.receive_payload(body, clock.monotonic(), more=more)
        self.flush()
        return accepted

    def receive_post_eof(self) -> None:
        """Note that a polling POST was cut off or is too large."""
        self.engine.receive_post_eof(clock.monotonic())
        self.flush()

    def receive_poll(self) -> asyncio.Future[str] | None:
        """Start a polling GET; the future is its body. None rejects a second concurrent GET."""
        if not self.engine.receive_poll(clock.monotonic()):
            self.flush()
            return None
        poll = self._poll = asyncio.get_running_loop().create_future()
        self.flush()
        return poll

    def receive_poll_eof(self, poll: asyncio.Future[str]) -> None:
        """Note that the client aborted its pending GET."""
        if self._poll is poll:
            self._poll = None
            self.engine.receive_poll_eof(clock.monotonic())
            self.flush()

    # Sending

    @property
    def writer(self) -> Writer | None:
        """The active WebSocket, or None while the session uses long-polling."""
        return self._writer

    @property
    def stalled(self) -> bool:
        """Whether the peer does not read what was sent, so that no more should be sent."""
        if self._writer is not None:
            return self._writer.stalled
        return self.engine.buffered_bytes > self._limits.poll_buffer

    def write(self, batch: PreparedBatch, with_positions: bool) -> bool:
        """Send prepared messages in order; return False, and send none, if the session lags."""
        writer = self._writer
        if writer is None or not writer.is_direct or writer.stalled or self._lagging:
            return self._write_through_protocol(batch, with_positions)
        writer.write_batch(batch, with_positions)
        return True

    def _write_through_protocol(self, batch: PreparedBatch, with_positions: bool) -> bool:
        if self._lagging or self.stalled:
            self._begin_lag()
            return False
        for message in batch.messages:
            self.connection.send_prepared(message, with_positions)
        self.flush()
        return True

    def acknowledge(self, ack_id: int, args: Sequence[object]) -> None:
        """Acknowledge an event of the main namespace."""
        writer = self._writer
        if writer is not None and writer.is_direct:
            writer.write(self.connection.encode_ack(ack_id, args))
        else:
            self.connection.send_ack("/", ack_id, args)
            self.transmit()

    def transmit(self) -> None:
        """Pass what was just sent to the transport; cheaper than `flush`.

        On a WebSocket, sending produces no events and brings no deadline nearer.
        """
        if self._writer is None:
            self.flush()
        else:
            self._send()

    def flush(self) -> None:
        """Pass the protocol's events to the owner, and its messages to the transports."""
        while events := self.connection.events():
            for event in events:
                self._dispatch(event)
        self._send()
        if self._probe is not None and not self.engine.probing:
            self._probe.close()
            self._probe = None
        if self.is_open:
            self._deadlines.watch(self)

    def shut_down(self) -> None:
        """Note that the ASGI server stops."""
        self._owner.receive_shutdown(self)

    def close(self, reason: DisconnectReason) -> None:
        """Close the session."""
        self.connection.close(reason, clock.monotonic())
        self.flush()

    def _send(self) -> None:
        writer = self._writer
        if writer is not None:
            if messages := self.engine.messages_to_send():
                writer.write(messages)
            writer.is_direct = self.connection.can_write_directly
        if self._probe is not None and (messages := self.engine.probe_messages_to_send()):
            self._probe.write(messages)
        if self._poll is not None:
            body = self.engine.poll_response(clock.monotonic())
            if body is not None:
                poll, self._poll = self._poll, None
                if not poll.done():
                    poll.set_result(body)
                self.receive_drained()

    # Lag

    def receive_drained(self) -> None:
        """Note that the transport takes data again; the owner then sends what was missed."""
        if self._lagging and not self.stalled:
            self._lagging = False
            self._get_slow_peer().end_stall()
            asyncio.get_running_loop().call_soon(self._owner.receive_drained, self)

    def _begin_lag(self) -> None:
        if not self._lagging:
            self._lagging = True
            self._get_slow_peer().begin_stall(clock.monotonic(), self._traffic())
            self._deadlines.watch(self)

    # Time

    def next_deadline(self) -> float | None:
        """Return when to send a heartbeat, or to close a session that is late or stalled."""
        deadline, stall_end = self.connection.next_deadline(), self._stall_end()
        if deadline is None or stall_end is None:
            return stall_end if deadline is None else deadline
        return min(deadline, stall_end)

    def handle_deadline(self, now: float) -> None:
        """Do what is due."""
        stall_end = self._stall_end()
        if stall_end is not None and stall_end <= now:
            if not self._get_slow_peer().extend_stall(now, self._traffic()):
                self._owner.receive_stalled(self)
            return
        if self.engine.is_pong_overdue(now) and self._may_answer_late():
            self.engine.postpone_pong(now)
        had_pinged = self.engine.awaits_pong
        self.connection.handle_deadline(now)
        self.flush()
        if self.engine.awaits_pong and not had_pinged:
            self._get_slow_peer().receive_ping_sent(self._traffic())

    def _stall_end(self) -> float | None:
        slow_peer = self._slow_peer
        if slow_peer is None or slow_peer.stalled_since is None:
            return None
        return slow_peer.stalled_since + self._limits.stall_timeout

    def _may_answer_late(self) -> bool:
        return self._get_slow_peer().extend_ping(self._traffic(), is_stalled=self.stalled)

    def _get_slow_peer(self) -> SlowPeer:
        if self._slow_peer is None:
            self._slow_peer = SlowPeer()
        return self._slow_peer

    def _traffic(self) -> Traffic:
        return UNKNOWN if self._writer is None else self._writer.traffic()

    def reading_delay(self) -> float:
        """Return the seconds for which the transport should not read; then it asks again.

        More than 0 if the peer sends too fast, if too many of its events are not handled yet, or
        if it does not read the answers.
        """
        if self.unhandled > self._limits.unhandled_bytes and self.is_open:
            return UNHANDLED_DELAY
        if self.stalled and self.is_open:
            return STALLED_DELAY
        if not self._is_ahead:  # this is called for each message; reading the clock is not free
            return 0.0
        return max(0.0, self._paced_until - clock.monotonic() - 1.0)

    async def until_readable(self) -> None:
        """Return when the transport may read again."""
        while delay := self.reading_delay():  # noqa: ASYNC110 (an asyncio.Event would cost memory in every session)
            await asyncio.sleep(delay)

    # Events

    def _dispatch(self, event: object) -> None:
        match event:
            case EventReceived():
                self._receive_event(event)
            case AckReceived():
                self._owner.receive_ack(self, event)
            case ConnectRequested():
                self._owner.receive_connect(self, event)
            case Disconnected():
                self._owner.receive_disconnect(self)
            case Upgraded():
                self._writer, self._probe = self._probe, None
            case Closed(reason=reason):
                self._finish(reason)
            case _:
                pass

    def _receive_event(self, event: EventReceived) -> None:
        now = clock.monotonic()
        self._paced_until = max(self._paced_until, now) + 1 / self._limits.events_per_second
        self._is_ahead = self._paced_until > now + 1.0
        self._owner.receive_event(self, event)

    def _finish(self, reason: DisconnectReason) -> None:
        self._send()
        self.is_open = False
        if self._slow_peer is not None:
            self._slow_peer.end_stall()
        self._deadlines.forget(self)
        for writer in (self._writer, self._probe):
            if writer is not None:
                writer.close()
        self._owner.receive_closed(self, reason)
