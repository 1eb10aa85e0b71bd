"""The client's end of a session: it takes the handshake, polls, posts, probes, answers pings."""

from __future__ import annotations

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
from longwire.engineio.probe import Probe
from longwire.engineio.session import Session
from longwire.engineio.state import Signal, State, Transport
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.reasons import PING_TIMEOUT, TRANSPORT_CLOSED, TRANSPORT_ERROR
from longwire.types import override

_POLLS = frozenset((State.OPENING, State.POLLING, State.PROBING))
_POSTS = frozenset((State.POLLING, State.PROBING, State.CLOSING))


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a client decides by itself; times in seconds. The rest is in the server's handshake.

    Attributes:
        open_timeout: how long the handshake may take.
        upgrade_timeout: how long a probing WebSocket may take.
        allow_upgrades: whether to move from long-polling to a WebSocket.
    """

    open_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    allow_upgrades: bool = True


DEFAULT_OPTIONS = ClientOptions()


class ClientSession(Session):
    """The client's end.

    On a WebSocket: feed `receive_message`, write `messages_to_send`. On long-polling: whenever
    `poll_to_send` says so, send a GET and feed its body to `receive_payload`; whenever
    `payload_to_send` gives a body, POST it and report `receive_post_response`. A request that fails
    is `receive_eof`. What is sent before `Opened` waits for it.

    Attributes:
        handshake: what the server settled; None before `Opened`.
    """

    __slots__ = (
        "_options",
        "_poll_pending",
        "_post_pending",
        "_silence",
        "_upgradable",
        "handshake",
    )

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
        """The session's id; None before `Opened`."""
        return None if self.handshake is None else self.handshake.sid

    @override
    def max_message(self, message: str | bytes) -> int | None:
        """Return the server's bound if this message exceeds it: it would end the session."""
        limit = None if self.handshake is None else self.handshake.max_payload
        # Text of n characters is at most 4n bytes: only near the limit it has to be measured.
        if limit is None or 4 * len(message) + 2 <= limit:
            return None
        framed = isinstance(message, bytes) and self.transport == "websocket"
        size = len(message) if framed else body_size(message)
        return limit if size > limit else None

    # -- requests

    def poll_to_send(self) -> bool:
        """Whether to send a GET now; True counts as sent."""
        polls = self.transport == "polling" and self.state in _POLLS and not self._poll_pending
        if polls:
            self._poll_pending = True
        return polls

    def receive_payload(self, body: str, now: float) -> None:
        """The body that answered a GET."""
        self._poll_pending = False
        if self.transport == "polling" and self.state is not State.CLOSED:
            self._receive_body(body, now)
            self._finish_upgrade()

    def payload_to_send(self) -> str | None:
        """The body to POST now, or None; a body counts as sent.

        It holds as many packets as the server accepts in one request, at least one.
        """
        if self._queue is None or self._post_pending or self.state not in _POSTS:
            return None
        self._post_pending = True
        return encode_payload(self._take_chunk())

    def receive_post_response(self, now: float) -> None:
        """The server took the POST."""
        self._post_pending = False
        if self.state is State.CLOSING and self._queue is None:
            self._end(TRANSPORT_CLOSED)
        self._finish_upgrade()

    # -- upgrade

    @property
    def can_upgrade(self) -> bool:
        """Whether the server offers a WebSocket and none was tried in vain."""
        offered = self.handshake is not None and "websocket" in self.handshake.upgrades
        return self.state is State.POLLING and self._upgradable and offered

    def start_probe(self, now: float) -> None:
        """A WebSocket is open beside the requests: try to move there.

        Raises:
            LocalProtocolError: not when `can_upgrade` is false.
        """
        if not self.can_upgrade:
            raise LocalProtocolError("this session cannot upgrade now")
        self._step(Signal.PROBE_STARTED)
        self._probe = Probe(now + self._options.upgrade_timeout)
        self._probe.send(PROBE_PING)

    def receive_probe(self, data: str | bytes, now: float) -> None:
        """One message of the probing WebSocket; of the active one, once the session moved there."""
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
        """Say `5`, ahead of all that waits, once the probe is answered and no request runs."""
        if self.state is State.UPGRADING and not self._poll_pending and not self._post_pending:
            self._upgrade()
            self._queue = [UPGRADE, *(self._queue or [])]

    # -- what the two ends do differently

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
            raise RemoteProtocolError("a message before the handshake")
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
