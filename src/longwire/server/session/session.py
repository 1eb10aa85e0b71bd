"""One Engine.IO peer across its transports, driven by asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from longwire.clock import clock
from longwire.connection import (
    AckReceived,
    Connection,
    ConnectRequested,
    Disconnected,
    EventReceived,
)
from longwire.engineio import Closed, Upgraded
from longwire.engineio.payload import split_payload
from longwire.server.session.tcp_info import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longwire.engineio import ServerSession
    from longwire.prepared import PreparedBatch
    from longwire.reasons import DisconnectReason
    from longwire.server.limits import Limits
    from longwire.server.session.deadlines import Deadlines
    from longwire.server.session.tcp_info import Traffic


# Packets that a session takes in one turn of the loop, a few milliseconds' worth: a body or a read
# of the transport may hold a hundred thousand, and everybody else would wait for all of them.
PACKETS_AT_ONCE = 200

# Seconds until it is looked again whether a session may be read on: behind handlers, which end
# soon, and behind a peer that does not take its answers.
UNHANDLED_DELAY = 0.01
STALLED_DELAY = 0.1


class Writer(Protocol):
    """The sending half of a WebSocket.

    Attributes:
        is_direct: whether prepared messages may be written past the session, which keeps it.
    """

    is_direct: bool

    @property
    def stalled(self) -> bool:
        """Whether the transport is full: what is written now waits in memory."""
        ...

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages, in order; never blocks."""
        ...

    def write_batch(self, batch: PreparedBatch, positions: bool) -> None:
        """Send prepared messages, in order; never blocks."""
        ...

    def close(self) -> None:
        """Close the WebSocket after everything that was written."""
        ...

    def traffic(self) -> Traffic:
        """Return what passed so far, in units of its own."""
        ...


class SessionOwner(Protocol):
    """What happens to a session is told to its owner, in order."""

    def receive_connect(self, session: Session, request: ConnectRequested) -> None:
        """A client asks for a namespace."""
        ...

    def receive_event(self, session: Session, event: EventReceived) -> None:
        """A client sent an event."""
        ...

    def receive_ack(self, session: Session, ack: AckReceived) -> None:
        """A client acknowledged an event."""
        ...

    def receive_disconnect(self, session: Session) -> None:
        """A client left the main namespace."""
        ...

    def receive_drained(self, session: Session) -> None:
        """A transport that was stalled takes data again."""
        ...

    def receive_shutdown(self, session: Session) -> None:
        """The transport's server stops: say so, and end the session."""
        ...

    def receive_stalled(self, session: Session) -> None:
        """The transport has been stalled for too long: say so, and end the session."""
        ...

    def receive_closed(self, session: Session, reason: DisconnectReason) -> None:
        """The session is over."""
        ...


class Session:
    """Feeds the protocol from transports and transports from the protocol.

    Attributes:
        sid: secret name of the session on the transport.
        remote: the peer's address.
        is_open: whether it can still send.
        unhandled: bytes of events that were received and are not handled yet; its owner counts.
    """

    __slots__ = (
        "_deadlines",
        "_is_ahead",
        "_lagging",
        "_limits",
        "_owner",
        "_paced_until",
        "_poll",
        "_probe",
        "_seen",
        "_stalled_at",
        "_stalled_since",
        "_writer",
        "connection",
        "engine",
        "is_open",
        "remote",
        "sid",
        "unhandled",
    )

    def __init__(
        self,
        engine: ServerSession,
        connection: Connection,
        owner: SessionOwner,
        deadlines: Deadlines,
        *,
        remote: str,
        limits: Limits,
    ) -> None:
        self.sid = engine.sid
        self.engine = engine
        self.connection = connection
        self.remote = remote
        self.is_open = True
        self._owner = owner
        self._deadlines = deadlines
        self._writer: Writer | None = None
        self._probe: Writer | None = None
        self._poll: asyncio.Future[str] | None = None
        self._limits = limits
        self._lagging = False
        self._stalled_since: float | None = None
        self._stalled_at = 0
        self._seen = UNKNOWN
        self._paced_until = 0.0
        self._is_ahead = False
        self.unhandled = 0

    # Transports

    def open_websocket(self, writer: Writer) -> None:
        """Speak through `writer` from the start; it begins with the engine's first messages."""
        self._writer = writer

    def open_probe(self, writer: Writer) -> bool:
        """Take a WebSocket that probes for an upgrade; False refuses it."""
        if not self.engine.receive_probe_open(clock.monotonic()):
            return False
        self._probe = writer
        self.flush()
        return True

    def receive_websocket(self, writer: Writer, data: str | bytes) -> None:
        """Take one WebSocket message."""
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
        """Learn that a WebSocket is gone."""
        if writer is self._probe:
            self._probe = None
            self.engine.receive_probe_eof(clock.monotonic())
        elif writer is self._writer:
            self.engine.receive_eof(clock.monotonic())
        self.flush()

    def receive_post_open(self) -> bool:
        """Learn that a polling POST began; False refuses it."""
        accepted = self.engine.receive_post_open(clock.monotonic())
        self.flush()
        return accepted

    async def receive_payload(self, body: str) -> bool:
        """Take the body of a polling POST, a part in each turn of the loop; False refuses it."""
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
        """Learn that a polling POST was cut off, or is too large to take."""
        self.engine.receive_post_eof(clock.monotonic())
        self.flush()

    def receive_poll(self) -> asyncio.Future[str] | None:
        """Take a polling GET; the future is its body. None refuses a second one at a time."""
        if not self.engine.receive_poll(clock.monotonic()):
            self.flush()
            return None
        poll = self._poll = asyncio.get_running_loop().create_future()
        self.flush()
        return poll

    def receive_poll_eof(self, poll: asyncio.Future[str]) -> None:
        """Learn that the client gave its pending GET up."""
        if self._poll is poll:
            self._poll = None
            self.engine.receive_poll_eof(clock.monotonic())
            self.flush()

    # Sending

    @property
    def writer(self) -> Writer | None:
        """The active WebSocket; None while requests carry the session."""
        return self._writer

    @property
    def stalled(self) -> bool:
        """Whether the peer does not take what is sent: nothing more should be written."""
        if self._writer is not None:
            return self._writer.stalled
        return self.engine.buffered_bytes > self._limits.poll_buffer

    def write(self, batch: PreparedBatch, positions: bool) -> bool:
        """Send prepared messages in order; False, and nothing sent, if the session lags."""
        writer = self._writer
        if writer is None or not writer.is_direct or writer.stalled or self._lagging:
            return self._write_through_protocol(batch, positions)
        writer.write_batch(batch, positions)
        return True

    def _write_through_protocol(self, batch: PreparedBatch, positions: bool) -> bool:
        if self._lagging or self.stalled:
            self._begin_lag()
            return False
        for message in batch.messages:
            self.connection.send_prepared(message, positions)
        self.flush()
        return True

    def acknowledge(self, ack_id: int, args: Sequence[object]) -> None:
        """Answer an event of the main namespace."""
        writer = self._writer
        if writer is not None and writer.is_direct:
            writer.write(self.connection.encode_ack(ack_id, args))
        else:
            self.connection.send_ack("/", ack_id, args)
            self.transmit()

    def transmit(self) -> None:
        """Hand over what was just sent, and nothing else.

        Sending on a WebSocket neither ends a session nor brings a deadline nearer.
        """
        if self._writer is None:
            self.flush()
        else:
            self._send()

    def flush(self) -> None:
        """Hand over what the protocol has to say, to both sides."""
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
        """Learn that the transport's server stops."""
        self._owner.receive_shutdown(self)

    def close(self, reason: DisconnectReason) -> None:
        """End the session."""
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
        """Learn that the transport takes data again."""
        if self._lagging and not self.stalled:
            self._lagging = False
            self._stalled_since = None
            asyncio.get_running_loop().call_soon(self._owner.receive_drained, self)

    def _begin_lag(self) -> None:
        if not self._lagging:
            self._lagging = True
            self._stalled_since = clock.monotonic()
            self._stalled_at = self._traffic().taken
            self._deadlines.watch(self)

    # Time

    def next_deadline(self) -> float | None:
        """Return when something is due: a heartbeat, CONNECT, or the end of patience."""
        deadline = self.connection.next_deadline()
        if self._stalled_since is None:
            return deadline
        patience = self._stalled_since + self._limits.stall_timeout
        return patience if deadline is None else min(deadline, patience)

    def handle_deadline(self, now: float) -> None:
        """Do what is due."""
        since = self._stalled_since
        if since is not None and since + self._limits.stall_timeout <= now:
            self._end_patience(now)
            return
        if self.engine.is_pong_overdue(now) and self._is_slow():
            self.engine.postpone_pong(now)
        had_pinged = self.engine.awaits_pong
        self.connection.handle_deadline(now)
        self.flush()
        if self.engine.awaits_pong and not had_pinged:
            self._seen = self._traffic()

    def _end_patience(self, now: float) -> None:
        """Let go of who takes nothing; who takes a little may go on."""
        stalled_at, self._stalled_at = self._stalled_at, self._traffic().taken
        if self._stalled_at > stalled_at:
            self._stalled_since = now
        else:
            self._stalled_since = None
            self._owner.receive_stalled(self)

    def _is_slow(self) -> bool:
        """Whether the pong may still come: after what either side is sending, or to be read."""
        before, now = self._seen, self._traffic()
        taken = now.taken - before.taken
        self._seen = now._replace(waiting=max(0, before.waiting - taken))
        is_behind = before.waiting > 0 or now.unread > 0 or self.stalled
        return now.received > before.received or (taken > 0 and is_behind)

    def _traffic(self) -> Traffic:
        return UNKNOWN if self._writer is None else self._writer.traffic()

    def reading_delay(self) -> float:
        """Return for how many seconds a transport should not read; then it should ask again.

        The peer is too fast, its events are not handled yet, or it does not take the answers.
        """
        if self.unhandled > self._limits.unhandled_bytes and self.is_open:
            return UNHANDLED_DELAY
        if self.stalled and self.is_open:
            return STALLED_DELAY
        if not self._is_ahead:  # asked for each message: the clock is not
            return 0.0
        return max(0.0, self._paced_until - clock.monotonic() - 1.0)

    async def until_readable(self) -> None:
        """Return when a transport may read on."""
        while delay := self.reading_delay():  # noqa: ASYNC110 - an event would cost each session
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
        self._stalled_since = None
        self._deadlines.forget(self)
        for writer in (self._writer, self._probe):
            if writer is not None:
                writer.close()
        self._owner.receive_closed(self, reason)
