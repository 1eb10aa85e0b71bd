"""One session in the main namespace: who it is, where it is, what it is told."""

from __future__ import annotations

import asyncio
from sys import intern
from typing import TYPE_CHECKING, Any

from longwire.clock import clock
from longwire.errors import CallTimeout, NotConnected
from longwire.reasons import SERVER_DISCONNECT, TOKEN_EXPIRED, DisconnectReason
from longwire.types import Position
from longwire.wire import (
    AUTH_ERROR,
    AUTH_EXPIRING,
    AUTHENTICATED,
    CLOSING,
    ROOM_RESET,
    Authenticated,
    AuthExpiring,
    Closing,
    RoomReset,
    encode,
)

if TYPE_CHECKING:
    from longwire.prepared import PreparedBatch
    from longwire.server.access.authentication import Identity
    from longwire.server.limits import Limits
    from longwire.server.recovery.recovery import Record
    from longwire.server.session.session import Session, Writer


class Socket:
    """A connected, authenticated client.

    Attributes:
        sid: public id of this connection, another one after every reconnect.
        identity: whom its current token speaks for.
        positions: whether it asked for positions, and so joins its rooms itself.
        rooms: the rooms that it joined.
        other_contract: the server's fingerprint, if the client was built for another contract.
        is_open: whether it can still be told something.
        record: what is needed to recover the connection, where that is enabled.
    """

    __slots__ = (
        "_acks",
        "_expires_at",
        "_limits",
        "_notified",
        "identity",
        "is_open",
        "other_contract",
        "positions",
        "record",
        "rooms",
        "session",
        "sid",
    )

    def __init__(
        self, sid: str, session: Session, identity: Identity, positions: bool, limits: Limits
    ) -> None:
        self.sid = sid
        self.session = session
        self.positions = positions
        self.record: Record | None = None
        self.other_contract: str | None = None
        self.is_open = True
        self.rooms: set[str] = set()
        self._limits = limits
        self._acks: dict[int, asyncio.Future[list[Any]]] | None = None
        self.replace_identity(identity)

    def replace_identity(self, identity: Identity) -> None:
        """Let a new token of the same user count from now on."""
        self.identity = identity
        self._notified = False
        self._expires_at: float | None = None
        if identity.expires_at is not None:
            remaining = identity.expires_at - clock.time()
            self._expires_at = asyncio.get_running_loop().time() + remaining

    # Sending

    def emit(self, event: str, *args: object) -> None:
        """Send an event to this client alone; at most once, in order."""
        if self.record is not None and args and isinstance(args[-1], str):
            # A client that can be recovered takes a last string for an offset.
            args = (*args, self.record.trail.newest)
        if self.is_open:
            self.session.connection.send_event("/", event, args)
            self.session.transmit()

    def welcome(self, rooms: list[str]) -> None:
        """Tell the client who it is, what it may hear, and if it was built for another contract."""
        welcome = Authenticated(
            user_id=self.identity.user_id, rooms=tuple(rooms), contract=self.other_contract
        )
        self.emit(AUTHENTICATED, encode(welcome))

    async def call(self, event: str, *args: object, timeout: float = 10.0) -> list[Any]:
        """Send an event and return the arguments of the client's acknowledgement.

        Raises:
            NotConnected: the connection is or was closed.
            CallTimeout: no answer came within `timeout` seconds.
        """
        if not self.is_open:
            raise NotConnected("the client is gone")
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
            raise CallTimeout(f"no acknowledgement of {event!r} in {timeout} s") from None
        finally:
            self._acks.pop(ack_id, None)

    def receive_ack(self, ack_id: int, args: list[Any]) -> None:
        """Hand an acknowledgement to the call that waits for it; unknown ids are ignored."""
        answer = self._acks.pop(ack_id, None) if self._acks else None
        if answer is not None and not answer.done():
            answer.set_result(args)

    def acknowledge(self, ack_id: int | None, *args: object) -> None:
        """Answer an event of the client, if it asked for an answer."""
        if ack_id is not None and self.is_open:
            self.session.acknowledge(ack_id, args)

    def disconnect(
        self, reason: DisconnectReason = SERVER_DISCONNECT, retry_after: float = 0.0
    ) -> None:
        """Tell the client why, then end its connection."""
        closing = Closing(
            reason=reason.code,
            message=reason.message,
            reconnect=reason.reconnect,
            retry_after=retry_after,
        )
        self.emit(CLOSING, encode(closing))
        if self.session.is_open:
            self.session.close(reason)

    def close(self) -> None:
        """Stop sending, and fail the calls that wait for a client that is gone."""
        self.is_open = False
        for answer in (self._acks or {}).values():
            if not answer.done():
                answer.set_exception(NotConnected("the client is gone"))

    # As a member of rooms

    @property
    def writer(self) -> Writer | None:
        """What prepared messages may be written to past this socket, if nothing is noted here."""
        return self.session.writer if self.record is None else None

    def write(self, batch: PreparedBatch) -> bool:
        """Send prepared messages in order; False, and nothing sent, if the transport is stalled."""
        if not self.is_open:
            return False
        record = self.record
        if record is None:
            return self.session.write(batch, self.positions)
        if not self.session.write(batch, positions=True):
            return False
        record.trail.note(batch)
        return True

    def enter(self, room: str, position: Position) -> None:
        """Be a member of `room`, fed from `position` on."""
        self.rooms.add(intern(room))  # its name is kept once, not with every member
        if self.record is not None:
            self.record.trail.begin(room, position)

    def exit(self, room: str) -> None:
        """Be no member of `room` any more."""
        self.rooms.discard(room)
        if self.record is not None:
            self.record.trail.end(room)

    def receive_room_reset(self, room: str, position: Position) -> None:
        """Tell the client that a joined room's log began anew."""
        if self.record is not None:
            self.record.trail.begin(room, Position(position.epoch, 0))
        reset = RoomReset(room=room, epoch=position.epoch, offset=position.offset)
        self.emit(ROOM_RESET, encode(reset))

    # Time

    def next_deadline(self) -> float | None:
        """Return when the token's end is to be announced or enforced."""
        if self._expires_at is None or not self.is_open:
            return None
        if not self._notified:
            return self._expires_at - self._limits.token_expiry_notice
        return self._expires_at + self._limits.token_grace

    def handle_deadline(self, now: float) -> None:
        """Announce the token's end, or enforce it."""
        if self._expires_at is None:
            return
        if not self._notified:
            self._notified = True
            expiring = AuthExpiring(expires_in=max(0.0, round(self._expires_at - now, 3)))
            self.emit(AUTH_EXPIRING, encode(expiring))
        else:
            self.emit(AUTH_ERROR, "token has expired")
            self.disconnect(TOKEN_EXPIRED)
