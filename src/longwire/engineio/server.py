"""The server's end of a session: it sends pings, and answers requests and probes."""

import msgspec

from longwire.engineio.handshake import Handshake, encode_open
from longwire.engineio.payload import (
    CLOSE,
    NOOP,
    PING,
    PROBE_PING,
    PROBE_PONG,
    UPGRADE,
    encode_payload,
)
from longwire.engineio.session import Probe, Session
from longwire.engineio.state import Signal, State, Transport
from longwire.errors import ConfigurationError, RemoteProtocolError
from longwire.reasons import (
    CLIENT_DISCONNECT,
    PING_TIMEOUT,
    TRANSPORT_CLOSED,
    DisconnectReason,
)
from longwire.types import override

NOOP_INTERVAL = 0.1
"""Seconds between two noop responses to polls during an upgrade, as in the reference."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Options of all sessions of a server. The defaults are those of the reference.

    Attributes:
        ping_interval: seconds between a pong and the next ping.
        ping_timeout: seconds within which a pong must arrive.
        max_payload: maximum bytes of a request body or a WebSocket message.
        upgrade_timeout: seconds within which an upgrade must complete.
        allow_upgrades: whether long-polling sessions may move to a WebSocket.

    Raises:
        ConfigurationError: A time or size is not positive.
    """

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    max_payload: int = 1_000_000
    upgrade_timeout: float = 10.0
    allow_upgrades: bool = True

    def __post_init__(self) -> None:
        """Check the times and sizes."""
        for name in ("ping_interval", "ping_timeout", "max_payload", "upgrade_timeout"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be > 0, got {getattr(self, name)}")

    def handshake(self, sid: str, transport: Transport) -> Handshake:
        """Return the handshake of a session that opens on `transport`."""
        upgradable = transport == "polling" and self.allow_upgrades
        return Handshake(
            sid=sid,
            upgrades=("websocket",) if upgradable else (),
            ping_interval=round(self.ping_interval * 1000),
            ping_timeout=round(self.ping_timeout * 1000),
            max_payload=self.max_payload,
        )


class ServerSession(Session):
    """The server's end. It is open from the start; the handshake is its first packet.

    On long-polling, every call may produce the response to a waiting GET: call `poll_response`
    after it.

    Attributes:
        sid: the session id.
        round_trip: seconds from the newest answered ping to its pong; None before the first.
    """

    __slots__ = (
        "_awaits_pong",
        "_options",
        "_poll_waits",
        "_post_arrives",
        "_response",
        "round_trip",
        "sid",
    )

    def __init__(self, sid: str, options: Options, transport: Transport, now: float) -> None:
        super().__init__(transport, now + options.ping_interval, options.max_payload)
        self.sid = sid
        self._options = options
        self._awaits_pong = False
        self._poll_waits = False
        self._post_arrives = False
        self._response: str | None = None
        self.round_trip: float | None = None
        polling = transport == "polling"
        self._step(Signal.POLLING_OPENED if polling else Signal.WEBSOCKET_OPENED)
        self._send(encode_open(options.handshake(sid, transport)))

    # -- requests

    def receive_poll(self, now: float) -> bool:
        """Handle a GET, which waits until `poll_response` returns its body.

        Returns:
            False if the GET must be rejected (400, bad request): the session no longer uses
            long-polling, or another GET is waiting. In the latter case the session is closed, and
            `poll_response` returns the body for the first GET.
        """
        if self.transport == "websocket" or self.state is State.CLOSED:
            return False
        if self._poll_waits:
            self.fail(RemoteProtocolError("a second GET while the first one is waiting"))
            return False
        self._poll_waits = True
        return True

    def poll_response(self, now: float) -> str | None:
        """Return the body for the waiting GET; None if there is no body or no GET yet.

        Also call it after `Closed`. The packets in the body are no longer queued: if it cannot be
        delivered, call `receive_eof`.
        """
        if self._response is not None:
            response, self._response = self._response, None
            return response
        if not self._poll_waits:
            return None
        if self._queue is None and not self._try_release_poll(now):
            return None
        self._poll_waits = False
        body = encode_payload(self._take_queue() or [NOOP])
        if self.state is State.CLOSING:
            self._end(TRANSPORT_CLOSED)
        return body

    def receive_poll_eof(self, now: float) -> None:
        """Handle that the waiting GET was aborted, which ends the session."""
        if self._poll_waits:
            self._poll_waits = False
            self._end(TRANSPORT_CLOSED)

    def receive_post_open(self, now: float) -> bool:
        """Handle the head of a POST; `receive_payload` follows with the body.

        A driver that reads the whole body first need not call this.

        Returns:
            False if the POST must be rejected (400, bad request): the session no longer uses
            long-polling, or another POST is being received, which closes the session.
        """
        if self.transport == "websocket" or self.state is State.CLOSED:
            return False
        if self._post_arrives:
            self.fail(RemoteProtocolError("a second POST while the first one is being received"))
            return False
        self._post_arrives = True
        return True

    def receive_payload(self, body: str, now: float, *, more: bool = False) -> bool:
        """Handle the body of a POST, or with `more` one part of it.

        Returns:
            True if the response is `ok`. False if it is 400, bad request: the session no longer
            uses long-polling, or the body is invalid and closed it.
        """
        self._post_arrives = more
        if self.transport == "websocket" or self.state is State.CLOSED:
            return False
        return self._receive_body(body, now)

    def receive_post_eof(self, now: float) -> None:
        """Handle that the POST being received was aborted, which ends the session."""
        if self._post_arrives:
            self._post_arrives = False
            self._end(TRANSPORT_CLOSED)

    # -- upgrade

    def receive_probe_open(self, now: float) -> bool:
        """Handle that a WebSocket was opened for this session.

        Returns:
            False if it must be rejected: there is one already, or upgrades are disabled.
        """
        if self.state is not State.POLLING or not self._options.allow_upgrades:
            return False
        self._step(Signal.PROBE_STARTED)
        self._probe = Probe(now + self._options.upgrade_timeout)
        return True

    def receive_probe(self, data: str | bytes, now: float) -> None:
        """Handle a message of the probing WebSocket, also after it has become the active one."""
        if self.transport == "websocket":
            self.receive_message(data, now)
        elif self._probe is None:
            return
        elif self.state is State.PROBING and data == PROBE_PING:
            self._step(Signal.PROBE_ANSWERED)
            self._probe.messages.append(PROBE_PONG)
            self._probe.noop_at = now
        elif self.state is not State.PROBING and data == UPGRADE:
            self._upgrade()
        else:
            self._fail_probe()

    # -- time

    @override
    def next_deadline(self) -> float | None:
        """Return when to call `handle_deadline` and `poll_response`; None after the end."""
        deadline, probe = self._deadline, self._probe
        if deadline is None or probe is None:
            return deadline
        deadline = min(deadline, probe.deadline)
        return min(deadline, probe.noop_at) if self._poll_waits else deadline

    @override
    def _handle_heartbeat(self, now: float) -> None:
        if self._awaits_pong:
            self._end(PING_TIMEOUT)
            return
        self._send(PING)
        self._awaits_pong = True
        self._deadline = now + self._options.ping_timeout

    @property
    def awaits_pong(self) -> bool:
        """Whether a ping has not been answered yet."""
        return self._awaits_pong

    def is_pong_overdue(self, now: float) -> bool:
        """Whether `handle_deadline` would end the session because a pong is missing."""
        return self._awaits_pong and self._deadline is not None and now >= self._deadline

    def postpone_pong(self, now: float) -> None:
        """Restart the timeout of the pong: the driver knows that the peer is slow but alive."""
        if self._awaits_pong and self.state is not State.CLOSING:
            self._deadline = now + self._options.ping_timeout

    # -- implementation of the base class

    @override
    def _can_end(self) -> bool:
        return self.transport == "websocket" or self._poll_waits

    def _try_release_poll(self, now: float) -> bool:
        """Return True if the poll gets a noop now, so that the client can complete the upgrade."""
        probe = self._probe
        if probe is None or self.state is not State.UPGRADING or now < probe.noop_at:
            return False
        probe.noop_at = now + NOOP_INTERVAL
        return True

    @override
    def _upgrade(self) -> None:
        self._answer_poll(NOOP)
        super()._upgrade()
        if self._close_reason is not None:
            self._end(self._close_reason)

    @override
    def _end(self, reason: DisconnectReason, error: Exception | None = None) -> None:
        closed_by_client = reason is CLIENT_DISCONNECT and error is None
        self._answer_poll(NOOP if closed_by_client else CLOSE)
        super()._end(reason, error)

    def _answer_poll(self, last: str) -> None:
        if self._poll_waits:
            self._poll_waits = False
            queue = [] if last == NOOP else self._take_queue()
            self._response = encode_payload([*queue, last])

    @override
    def _receive_control(self, packet: str, now: float) -> None:
        match packet:
            case "1":
                self._end(CLIENT_DISCONNECT)
            case "3":
                self._receive_pong(now)
            case "6":
                pass
            case _:
                raise RemoteProtocolError(f"unexpected packet {packet[:10]!r}")

    def _receive_pong(self, now: float) -> None:
        if self._awaits_pong and self.state is not State.CLOSING:
            self._awaits_pong = False
            if self._deadline is not None:
                self.round_trip = now - (self._deadline - self._options.ping_timeout)
            self._deadline = now + self._options.ping_interval
