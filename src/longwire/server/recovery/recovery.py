"""Connection state recovery for stock Socket.IO clients (socket.io-client 4.6 and later).

Such a client is told a private id when it connects and keeps the last string that followed an
event: here `"<offset>@<room>"`, as for clients that ask for positions. When it comes back with
both, it gets its old id, its rooms, and what it missed, before it is told that it is connected.

A record exists from CONNECT on, so a client that returns before the server noticed that its old
connection is dead takes that one over. When the connection ends, the record is also given to the
broker, so that the next process or another node can go on with it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker.slices import read_slices
from longwire.errors import BrokerUnavailable, InvalidRoom, RoomDenied
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.reasons import TRANSPORT_CLOSED
from longwire.server.recovery.handover import Handover
from longwire.server.recovery.sent_log import Trail
from longwire.server.recovery.store import MAX_SENT, KeptRecord, RecoveryStore, room_of

if TYPE_CHECKING:
    from longwire.broker import Broker
    from longwire.server.access.authentication import Identity
    from longwire.server.access.rules import RoomRules
    from longwire.server.clients.socket import Socket
    from longwire.server.rooms.hub import Hub
    from longwire.types import Position

logger = logging.getLogger("longwire.server")


class RecoveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how far connections can be recovered.

    Attributes:
        max_disconnection_duration: seconds that a client may stay away; the reference's default.
        max_missed: events a client may have been sent without saying which one it got last.
    """

    max_disconnection_duration: float = 120.0
    max_missed: int = 1000


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

    def __init__(
        self, options: RecoveryOptions, broker: Broker, rules: RoomRules, hub: Hub
    ) -> None:
        self._options = options
        self._broker = broker
        self._rules = rules
        max_age = options.max_disconnection_duration
        # What a log in memory would keep is here already, and dies with this process.
        self._store = RecoveryStore(broker, max_age) if broker.is_durable else None
        self._handover = Handover(hub, broker, self._let_go) if broker.is_shared else None
        self._is_listening = False
        self._tasks = BackgroundTasks()
        self._records: dict[str, Record] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def open(self, sid: str, socket: Socket) -> Record:
        """Begin a record for a new connection."""
        trail = Trail(self._options.max_missed)
        record = Record(self._new_private_id(), sid, socket.identity.user_id, trail, socket)
        self._records[record.pid] = record
        return record

    async def find(self, pid: str, last_seen: str | None, identity: Identity) -> Record | None:
        """Return the record of that private id, if it is this user's; it does not expire now.

        Raises:
            BrokerUnavailable: the log where it may be cannot be read.
        """
        record = self._records.get(pid)
        if not _is_good(record, last_seen):
            record = await self._load(pid) or record
        if self._handover is not None and not _is_good(record, last_seen):
            await self._handover.ask(pid, room_of(pid))
            record = await self._load(pid) or record
        if record is None or record.user_id != identity.user_id:
            return None
        self.hold(record)
        return record

    def hold(self, record: Record) -> None:
        """Keep a record from expiring."""
        expiry = self._expiries.pop(record.pid, None)
        if expiry is not None:
            expiry.cancel()

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
        if self._store is not None:
            self._tasks.start(self._save(self._store, record))
        duration = self._options.max_disconnection_duration
        self._expiries[record.pid] = loop.call_later(duration, self._forget, record.pid)

    def discard(self, record: Record) -> None:
        """Forget a record: its client said goodbye, or cannot be recovered."""
        self.hold(record)
        self._records.pop(record.pid, None)

    async def close(self) -> None:
        """Forget everything that is not kept elsewhere."""
        await self._tasks.wait()
        for expiry in self._expiries.values():
            expiry.cancel()
        self._expiries.clear()
        self._records.clear()
        self._is_listening = False

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
        async with aclosing(read_slices(self._broker, room, since)) as slices:
            async for history in slices:
                if not history.recovered and since.offset:
                    return False
                missed.messages += [
                    PreparedMessage.of(entry, room) for entry in history.publications
                ]
                if len(missed.messages) > self._options.max_missed:
                    return False
                since = history.position
        missed.ends[room] = since
        return True

    def _new_private_id(self) -> str:
        if self._handover is None:
            return secrets.token_urlsafe(24)
        if not self._is_listening:
            self._is_listening = True
            self._tasks.start(self._listen(self._handover))
        return self._handover.new_private_id()

    async def _listen(self, handover: Handover) -> None:
        try:
            await handover.listen()
        except BrokerUnavailable:
            self._is_listening = False  # the next client's turn to try

    def _let_go(self, pid: str) -> None:
        record = self._records.get(pid)
        if record is not None and record.socket is not None:
            record.socket.session.close(TRANSPORT_CLOSED)

    async def _save(self, store: RecoveryStore, record: Record) -> None:
        trail = record.trail.keep(MAX_SENT)
        kept = KeptRecord(record.sid, record.user_id, store.now_ms(), trail)
        try:
            await store.save(record.pid, kept)
        except BrokerUnavailable as error:
            logger.warning("a connection can be recovered here only: %s", error)

    async def _load(self, pid: str) -> Record | None:
        kept = None if self._store is None else await self._store.load(pid)
        if kept is None:
            return None
        trail = Trail.restore(kept.trail, self._options.max_missed)
        record = self._records[pid] = Record(pid, kept.sid, kept.user_id, trail)
        return record

    def _forget(self, pid: str) -> None:
        self._expiries.pop(pid, None)
        self._records.pop(pid, None)


def _is_good(record: Record | None, last_seen: str | None) -> bool:
    """Whether a record is the newest: its client is here, or names what it was sent from here."""
    return record is not None and (record.socket is not None or record.trail.knows(last_seen))
