"""A signed-in client: its identity, its rooms, and sending to it."""

import asyncio
from sys import intern
from typing import Any, Protocol

from longwire.clock import clock
from longwire.connection.events import EventReceived
from longwire.errors import CallTimeout, NotConnected
from longwire.prepared import PreparedBatch
from longwire.reasons import SERVER_DISCONNECT, TOKEN_EXPIRED, DisconnectReason
from longwire.server.access.authentication import Identity
from longwire.server.limits import Limits
from longwire.server.recovery.sent_log import RecoveryRecord
from longwire.server.session.session import Session
from longwire.server.session.writer import Writer
from longwire.types import Position
from longwire.wire import (
    AUTH_ERROR,
    AUTH_EXPIRING,
    AUTHENTICATED,
    CLOSING,
    HEALTH_REPORT_INTERVAL,
    ROOM_RESET,
    Authenticated,
    AuthExpiring,
    ClientHealth,
    Closing,
    RoomReset,
    encode,
)


class SocketObserver(Protocol):
    """Receives what passes between a socket and its client, in order. Its methods never raise."""

    def receive_event(self, event: EventReceived) -> None:
        """The client sent an event."""
        ...

    def receive_emit(self, event: str, args: tuple[object, ...]) -> None:
        """An event was sent to this client only."""
        ...

    def receive_write(self, batch: PreparedBatch) -> None:
        """Events of a room were sent."""
        ...


class Socket:
    """A connected, authenticated client.

    Attributes:
        sid: the public id of this connection; it changes with every reconnect.
        identity: the identity of the current token.
        wants_positions: whether the client asked for positions; it then joins its rooms itself.
        rooms: the rooms that the client has joined.
        contract: the fingerprint that the client was built for, if it sent one.
        other_contract: the server's fingerprint, if the client was built for another contract.
        is_open: whether events can still be sent.
        observer: receives what is sent to and received from the client, while an operator watches.
        since: when the client signed in, in seconds since the epoch.
        record: the state needed to recover the connection, if that is enabled.
        health: the newest report of the client about the connection, if it sends such reports.
    """

    __slots__ = (
        "_acks",
        "_expires_at",
        "_has_notified",
        "_health_due",
        "_limits",
        "_notice",
        "contract",
        "health",
        "identity",
        "is_open",
        "observer",
        "other_contract",
        "record",
        "rooms",
        "session",
        "sid",
        "since",
        "wants_positions",
    )

    def __init__(
        self,
        sid: str,
        session: Session,
        identity: Identity,
        wants_positions: bool,
        limits: Limits,
    ) -> None:
        self.sid = sid
        self.session = session
        self.wants_positions = wants_positions
        self.record: RecoveryRecord | None = None
        self.contract: str | None = None
        self.health: ClientHealth | None = None
        self._health_due = 0.0
        self.other_contract: str | None = None
        self.observer: SocketObserver | None = None
        self.is_open = True
        self.since = clock.time()
        self.rooms: set[str] = set()
        self._limits = limits
        self._notice = limits.token_expiry_notice
        self._acks: dict[int, asyncio.Future[list[Any]]] | None = None
        self.replace_identity(identity)

    def replace_identity(self, identity: Identity) -> None:
        """Use the identity of a new token of the same user, and its time of expiry."""
        self.identity = identity
        self._has_notified = False
        self._expires_at: float | None = None
        if identity.expires_at is not None:
            remaining = identity.expires_at - clock.time()
            self._expires_at = asyncio.get_running_loop().time() + remaining
            # Half of a short life at the earliest, or each new token would be renewed at once.
            self._notice = min(self._limits.token_expiry_notice, remaining / 2)

    # Sending

    def emit(self, event: str, *args: object) -> None:
        """Send an event to this client only; at most once, in order."""
        if self.record is not None and (not args or isinstance(args[-1], str)):
            # Stock clients with recovery take a trailing string for the offset to resume from;
            # without arguments, that is the event's name.
            args = (*args, self.record.sent.newest)
        if self.is_open:
            if self.observer is not None:
                self.observer.receive_emit(event, args)
            self.session.connection.send_event("/", event, args)
            self.session.transmit()

    def welcome(self, rooms: list[str]) -> None:
        """Send `authenticated`: the user, the granted rooms, and the contract if it differs."""
        welcome = Authenticated(
            user_id=self.identity.user_id, rooms=tuple(rooms), contract=self.other_contract
        )
        self.emit(AUTHENTICATED, encode(welcome))

    async def call(self, event: str, *args: object, timeout: float = 10.0) -> list[Any]:
        """Send an event and return the arguments of the client's acknowledgement.

        Raises:
            NotConnected: the connection is closed, or closes before the acknowledgement.
            CallTimeout: no acknowledgement arrived within `timeout` seconds.
        """
        if not self.is_open:
            raise NotConnected("the client has disconnected")
        connection = self.session.connection
        ack_id = connection.next_ack_id()
        if self._acks is None:
            self._acks = {}
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._acks[ack_id] = answer
        connection.send_event("/", event, args, ack_id)
        self.session.transmit()
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise CallTimeout(f"no acknowledgement of {event!r} within {timeout} s") from None
        finally:
            self._acks.pop(ack_id, None)

    def receive_ack(self, ack_id: int, args: list[Any]) -> None:
        """Return an acknowledgement to the call that awaits it; unknown ids are ignored."""
        answer = self._acks.pop(ack_id, None) if self._acks else None
        if answer is not None and not answer.done():
            answer.set_result(args)

    def acknowledge(self, ack_id: int | None, *args: object) -> None:
        """Acknowledge an event of the client, if it asked for that."""
        if ack_id is not None and self.is_open:
            self.session.acknowledge(ack_id, args)

    def disconnect(
        self, reason: DisconnectReason = SERVER_DISCONNECT, retry_after: float = 0.0
    ) -> None:
        """Send `closing` with a reason, then close the connection.

        Args:
            reason: also determines whether the client should reconnect.
            retry_after: seconds that the client should wait before it reconnects.
        """
        closing = Closing(
            reason=reason.code,
            message=reason.message,
            reconnect=reason.reconnect,
            retry_after=retry_after,
        )
        self.emit(CLOSING, encode(closing))
        if self.session.is_open:
            self.session.close(reason)

    def receive_health(self, report: ClientHealth, now: float) -> None:
        """Keep a report about the connection, unless it follows the last one too soon."""
        if now >= self._health_due:
            self._health_due = now + HEALTH_REPORT_INTERVAL
            self.health = report

    def close(self) -> None:
        """Stop sending, and raise `NotConnected` in pending calls."""
        self.is_open = False
        for answer in (self._acks or {}).values():
            if not answer.done():
                answer.set_exception(NotConnected("the client has disconnected"))

    # The methods of Recipient: a member of rooms

    @property
    def writer(self) -> Writer | None:
        """The writer for prepared messages, unless this socket has to record what it is sent."""
        is_recorded = self.record is not None or self.observer is not None
        return None if is_recorded else self.session.writer

    def write(self, batch: PreparedBatch) -> bool:
        """Send prepared messages in order; return False, and send none, if the session lags."""
        if not self.is_open:
            return False
        record = self.record
        if not self.session.write(batch, self.wants_positions or record is not None):
            return False
        if record is not None:
            record.sent.append(batch)
        if self.observer is not None:
            self.observer.receive_write(batch)
        return True

    def enter(self, room: str, position: Position) -> None:
        """Note that the client has joined `room` and receives what follows `position`."""
        self.rooms.add(intern(room))  # one string for all members of the room
        if self.record is not None:
            self.record.sent.begin(room, position)

    def exit(self, room: str) -> None:
        """Note that the client has left `room`."""
        self.rooms.discard(room)
        if self.record is not None:
            self.record.sent.end(room)

    def receive_room_reset(self, room: str, position: Position) -> None:
        """Send `room_reset`: the room's log started over."""
        if self.record is not None:
            self.record.sent.begin(room, Position(position.epoch, 0))
        reset = RoomReset(room=room, epoch=position.epoch, offset=position.offset)
        self.emit(ROOM_RESET, encode(reset))

    # Expiry of the token

    def next_deadline(self) -> float | None:
        """Return when to send `auth_expiring`, or when to close the connection after that."""
        if self._expires_at is None or not self.is_open:
            return None
        if not self._has_notified:
            return self._expires_at - self._notice
        return self._expires_at + self._limits.token_grace

    def handle_deadline(self, now: float) -> None:
        """Send `auth_expiring`; the second time, close the connection."""
        if self._expires_at is None:
            return
        if not self._has_notified:
            self._has_notified = True
            expiring = AuthExpiring(expires_in=max(0.0, round(self._expires_at - now, 3)))
            self.emit(AUTH_EXPIRING, encode(expiring))
        else:
            self.emit(AUTH_ERROR, "token has expired")
            self.disconnect(TOKEN_EXPIRED)
