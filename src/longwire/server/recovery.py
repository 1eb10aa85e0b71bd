"""Connection state recovery for stock Socket.IO clients (socket.io-client 4.6 and later).

Such a client is told a private id when it connects and keeps the last string that followed an
event: here `"<offset>@<room>"`, as for clients that ask for positions. When it comes back with
both, it gets its old id, its rooms, and what it missed, before it is told that it is connected.

A record exists from CONNECT on, so a client that returns before the server noticed that its old
connection is dead takes that one over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from longwire.errors import InvalidRoom, RoomDenied
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.types import Position

if TYPE_CHECKING:
    from longwire.broker import Broker
    from longwire.server.authentication import Identity
    from longwire.server.rules import RoomRules
    from longwire.server.socket import Socket


class RecoveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how far connections can be recovered.

    Attributes:
        max_disconnection_duration: seconds that a client may stay away; the reference's default.
        max_missed: events a client may have been sent without saying which one it got last.
    """

    max_disconnection_duration: float = 120.0
    max_missed: int = 1000


class Trail:
    """What one client was sent, room by room and in order.

    The client names only the last event that it got; this tells how far it is in every room.
    """

    __slots__ = ("_has_forgotten", "_max_sent", "_sent", "_starts")

    def __init__(self, max_sent: int) -> None:
        self._max_sent = max_sent
        self._starts: dict[str, Position] = {}
        self._sent: deque[tuple[str, int]] = deque()
        self._has_forgotten = False

    def begin(self, room: str, position: Position) -> None:
        """Follow a room that the client is fed from `position` on."""
        self.end(room)
        self._starts[room] = position

    def end(self, room: str) -> None:
        """Stop following a room."""
        if self._starts.pop(room, None) is not None:
            self._sent = deque(sent for sent in self._sent if sent[0] != room)

    def note(self, batch: PreparedBatch) -> None:
        """Take down what is sent now."""
        for message in batch.messages:
            if message.room is not None:
                self._sent.append((message.room, message.last))
        while len(self._sent) > self._max_sent:
            room, last = self._sent.popleft()
            self._starts[room] = Position(self._starts[room].epoch, last)
            self._has_forgotten = True

    @property
    def newest(self) -> str:
        """The offset of what was sent last, as the client is told it; "" if nothing was."""
        return "{1}@{0}".format(*self._sent[-1]) if self._sent else ""

    def positions(self, last_seen: str | None) -> dict[str, Position] | None:
        """Return how far the client is in every room; None if that is not known any more.

        Args:
            last_seen: the offset that the client came with, if it has seen any.
        """
        if not last_seen:
            return None if self._has_forgotten else dict(self._starts)
        sent = list(self._sent)
        seen = _parse(last_seen)
        if seen not in sent:
            known = {(room, position.offset) for room, position in self._starts.items()}
            return dict(self._starts) if seen in known else None
        reached = dict(self._starts)
        end = len(sent) - sent[::-1].index(seen)
        for room, last in sent[:end]:
            reached[room] = Position(reached[room].epoch, last)
        return reached


class Record(msgspec.Struct, gc=False):
    """A connection that can be recovered.

    Attributes:
        pid: its private id.
        sid: its public id.
        user_id: whose it is.
        trail: what it was sent.
        socket: its current connection, if it has one.
    """

    pid: str
    sid: str
    user_id: str
    trail: Trail
    socket: Socket | None = None


class Missed:
    """What a recovered client has to be sent before it is connected.

    Attributes:
        messages: the events, room by room, in order.
        starts: how far the client is before them; its rooms.
        ends: how far it is after them.
    """

    __slots__ = ("ends", "messages", "starts")

    def __init__(self) -> None:
        self.messages: list[PreparedMessage] = []
        self.starts: dict[str, Position] = {}
        self.ends: dict[str, Position] = {}


class Recovery:
    """The recoverable connections of one node."""

    def __init__(self, options: RecoveryOptions, broker: Broker, rules: RoomRules) -> None:
        self._options = options
        self._broker = broker
        self._rules = rules
        self._records: dict[str, Record] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def open(self, sid: str, socket: Socket) -> Record:
        """Begin a record for a new connection."""
        trail = Trail(self._options.max_missed)
        pid = secrets.token_urlsafe(24)
        record = Record(pid, sid, socket.identity.user_id, trail, socket)
        self._records[record.pid] = record
        return record

    def find(self, pid: str, identity: Identity) -> Record | None:
        """Return the record of that private id, if it is this user's; it does not expire now."""
        record = self._records.get(pid)
        if record is None or record.user_id != identity.user_id:
            return None
        expiry = self._expiries.pop(pid, None)
        if expiry is not None:
            expiry.cancel()
        return record

    def resume(self, record: Record, socket: Socket, missed: Missed) -> None:
        """Give a record to the connection that goes on with it."""
        record.socket = socket
        record.trail = Trail(self._options.max_missed)
        for room, start in missed.starts.items():
            record.trail.begin(room, start)
        record.trail.note(PreparedBatch(missed.messages))

    def release(self, record: Record) -> None:
        """Let a record expire: its connection is gone."""
        record.socket = None
        loop = asyncio.get_running_loop()
        duration = self._options.max_disconnection_duration
        self._expiries[record.pid] = loop.call_later(duration, self._forget, record.pid)

    def discard(self, record: Record) -> None:
        """Forget a record: its client said goodbye, or cannot be recovered."""
        expiry = self._expiries.pop(record.pid, None)
        if expiry is not None:
            expiry.cancel()
        self._records.pop(record.pid, None)

    def close(self) -> None:
        """Forget everything."""
        for expiry in self._expiries.values():
            expiry.cancel()
        self._expiries.clear()
        self._records.clear()

    async def missed(
        self, record: Record, last_seen: str | None, identity: Identity
    ) -> Missed | None:
        """Return what the client missed, in the rooms that it may still be in.

        None if something is lost, or too much was missed: the client then has to begin anew.
        """
        positions = record.trail.positions(last_seen)
        if positions is None:
            return None
        missed = Missed()
        for room, since in positions.items():
            try:
                await self._rules.check(identity, room)
            except (RoomDenied, InvalidRoom):
                continue
            if not await self._read(room, since, missed):
                return None
        return missed

    async def _read(self, room: str, since: Position, missed: Missed) -> bool:
        """Add what a room has since a position; False if that is not known."""
        missed.starts[room] = since
        complete = False
        while not complete:
            history = await self._broker.read(room, since)
            if not history.recovered and since.offset:
                return False
            missed.messages += [
                PreparedMessage(entry.event, entry.data, room, entry.first, entry.last)
                for entry in history.publications
            ]
            if len(missed.messages) > self._options.max_missed:
                return False
            end = history.publications[-1].last if history.publications else since.offset
            since = Position(history.position.epoch, end)
            complete = history.complete
        missed.ends[room] = since
        return True

    def _forget(self, pid: str) -> None:
        self._expiries.pop(pid, None)
        self._records.pop(pid, None)


def _parse(last_seen: str) -> tuple[str, int] | None:
    span, _, room = last_seen.partition("@")
    last = span.rpartition("-")[2]
    return (room, int(last)) if last.isdecimal() and len(last) < 20 else None
