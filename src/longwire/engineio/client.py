"""The client's end of a session: it polls, posts, probes, and answers pings."""

import msgspec

from longwire.engineio.event import Opened
from longwire.engineio.handshake import Handshake, decode_open
from longwire.engineio.payload import (
    OPEN,
    PONG,
    PROBE_PING,
    PROBE_PONG,
    UPGRADE,
    body_size,
    encode_payload,
    wire_size,
)
from longwire.engineio.session import Probe, Session
from longwire.engineio.state import Signal, State, Transport
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.reasons import PING_TIMEOUT, TRANSPORT_CLOSED, TRANSPORT_ERROR
from longwire.types import override

_POLLS = frozenset((State.OPENING, State.POLLING, State.PROBING))
_POSTS = frozenset((State.POLLING, State.PROBING, State.CLOSING))


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a client. All others come with the server's handshake.

    Attributes:
        open_timeout: seconds within which the handshake must arrive.
        upgrade_timeout: seconds within which an upgrade must complete.
        allow_upgrades: whether to move from long-polling to a WebSocket.
    """

    open_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    allow_upgrades: bool = True


DEFAULT_OPTIONS = ClientOptions()


class ClientSession(Session):
    """The client's end.

    On a WebSocket, call `receive_message` and write `messages_to_send`. On long-polling, send a GET
    whenever `claim_poll` returns True, and pass the body of the response to `receive_payload`. POST
    whenever `payload_to_send` returns a body, and call `receive_post_response`. If a request fails,
    call `receive_eof`. Packets sent before `Opened` are queued until then.

    Attributes:
        handshake: the parameters set by the server; None before `Opened`.
    """

    def __init__(
        self, transport: Transport, now: float, options: ClientOptions = DEFAULT_OPTIONS
    ) -> None:
        super().__init__(transport, now + options.open_timeout, max_received=None)
        self.handshake: Handshake | None = None
        self._options = options
        self._upgradable = options.allow_upgrades
        self._poll_pending = False
        self._post_pending = False
        self._silence = options.open_timeout

    @property
    def sid(self) -> str | None:
        """The session id; None before `Opened`."""
        return None if self.handshake is None else self.handshake.sid

    @override
    def max_message(self, message: str | bytes) -> int | None:
        """Return the limit of the server if this message exceeds it and would end the session."""
        limit = None if self.handshake is None else self.handshake.max_payload
        # Text of n characters has at most 4n bytes, so most messages need not be measured.
        if limit is None or 4 * len(message) + 2 <= limit:
            return None
        framed = isinstance(message, bytes) and self.transport == "websocket"
        size = len(message) if framed else body_size(message)
        return limit if size > limit else None

    # -- requests

    def claim_poll(self) -> bool:
        """Return True if the caller must send a GET now, and record it as sent."""
        polls = self.transport == "polling" and self.state in _POLLS and not self._poll_pending
        if polls:
            self._poll_pending = True
        return polls

    def receive_payload(self, body: str, now: float) -> None:
        """Handle the body of the response to a GET."""
        self._poll_pending = False
        if self.transport == "polling" and self.state is not State.CLOSED:
            self._receive_body(body, now)
            self._finish_upgrade()

    def payload_to_send(self) -> str | None:
        """Return the body to POST now, and record it as sent; None if there is nothing to POST.

        It contains as many packets as the server accepts in one request, and at least one.
        """
        if self._queue is None or self._post_pending or self.state not in _POSTS:
            return None
        self._post_pending = True
        return encode_payload(self._take_chunk())

    def receive_post_response(self, now: float) -> None:
        """Handle that the server accepted the POST."""
        self._post_pending = False
        if self.state is State.CLOSING and self._queue is None:
            self._end(TRANSPORT_CLOSED)
        self._finish_upgrade()

    # -- upgrade

    @property
    def can_upgrade(self) -> bool:
        """Whether the server offers a WebSocket and no attempt to upgrade has failed."""
        offered = self.handshake is not None and "websocket" in self.handshake.upgrades
        return self.state is State.POLLING and self._upgradable and offered

    def start_probe(self, now: float) -> None:
        """Try to move to a WebSocket that has been opened for this session.

        Raises:
            LocalProtocolError: `can_upgrade` is False.
        """
        if not self.can_upgrade:
            raise LocalProtocolError("the session cannot upgrade: see `can_upgrade`")
        self._step(Signal.PROBE_STARTED)
        self._probe = Probe(now + self._options.upgrade_timeout)
        self._probe.messages.append(PROBE_PING)

    def receive_probe(self, data: str | bytes, now: float) -> None:
        """Handle a message of the probing WebSocket, also after it has become the active one."""
        if self.transport == "websocket":
            self.receive_message(data, now)
        elif self.state is State.PROBING and data == PROBE_PONG:
            self._step(Signal.PROBE_ANSWERED)
            self._finish_upgrade()
        else:
            self._fail_probe()

    @override
    def _fail_probe(self) -> None:
        self._upgradable = False
        super()._fail_probe()

    def _finish_upgrade(self) -> None:
        """Upgrade once the probe is answered and no request is pending; `5` precedes the queue."""
        if self.state is State.UPGRADING and not self._poll_pending and not self._post_pending:
            self._upgrade()
            self._queue = [UPGRADE, *(self._queue or [])]

    # -- implementation of the base class

    @override
    def _handle_heartbeat(self, now: float) -> None:
        opening = self.state is State.OPENING
        self._end(TRANSPORT_ERROR if opening else PING_TIMEOUT)

    @override
    def _can_end(self) -> bool:
        return self.transport == "websocket" or self.state is State.OPENING

    def _take_chunk(self) -> list[str | bytes]:
        queue = self._take_queue()
        count = self._count_fitting(queue)
        if count < len(queue):
            self._queue = queue[count:]
            self.buffered_bytes = sum(map(wire_size, self._queue))
        return queue[:count]

    def _count_fitting(self, packets: list[str | bytes]) -> int:
        room = 0 if self.handshake is None else self.handshake.max_payload + 1
        count = 0
        for packet in packets:
            room -= body_size(packet)
            if room < 0 and count:
                break
            count += 1
        return count

    @override
    def _receive_control(self, packet: str, now: float) -> None:
        if self.state is State.OPENING:
            self._receive_open(packet, now)
            return
        match packet:
            case "1":
                self._end(TRANSPORT_CLOSED)
            case "2":
                self._receive_ping(now)
            case "6":
                pass
            case _:
                raise RemoteProtocolError(f"unexpected packet {packet[:10]!r}")

    @override
    def _receive_data(self, data: str | bytes) -> None:
        if self.state is State.OPENING:
            raise RemoteProtocolError("received a message before the handshake")
        super()._receive_data(data)

    def _receive_open(self, packet: str, now: float) -> None:
        if not packet.startswith(OPEN):
            raise RemoteProtocolError(f"expected a handshake, got {packet[:10]!r}")
        self.handshake = handshake = decode_open(packet)
        polling = self.transport == "polling"
        self._step(Signal.POLLING_OPENED if polling else Signal.WEBSOCKET_OPENED)
        self._silence = (handshake.ping_interval + handshake.ping_timeout) / 1000
        self._expect_ping(now)
        self._emit(Opened(handshake))

    def _receive_ping(self, now: float) -> None:
        self._send(PONG)
        if self.state is not State.CLOSING:
            self._expect_ping(now)

    def _expect_ping(self, now: float) -> None:
        self._deadline = now + self._silence
