"""Connection state recovery for stock Socket.IO clients (socket.io-client 4.6 and later).

Such a client receives a private id in CONNECT, and keeps the last string that followed an event:
here `"<offset>@<room>"`, as for clients that ask for positions. If it reconnects with both, it gets
its old id, its rooms and the events that it missed, before CONNECT.

A record exists from CONNECT on, so a client can also recover while the server still takes its old
connection for open. When the connection closes, the record is stored in the broker too, so that
the next process or another node can recover it.
"""

import asyncio
import logging
import secrets
from contextlib import aclosing

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.errors import BrokerUnavailable, InvalidRoom, RoomDenied
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.reasons import TRANSPORT_CLOSED
from longwire.server.access.authentication import Identity
from longwire.server.access.rules import RoomRules
from longwire.server.recovery.handover import Handover
from longwire.server.recovery.sent_log import RecoveryRecord, SentLog
from longwire.server.recovery.store import MAX_SENT, RecoveryStore, SavedRecord, room_of
from longwire.server.rooms.hub import Hub
from longwire.server.session.session import Session
from longwire.types import Position

logger = logging.getLogger("longwire.server")


class RecoveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on the recovery of connections.

    Attributes:
        max_disconnection_duration: seconds that a client may be away. Socket.IO's default.
        max_missed: events that a client may have missed. As many are recorded per connection.
    """

    max_disconnection_duration: float = 120.0
    max_missed: int = 1000


class Missed:
    """The events that a recovered client is sent before CONNECT.

    Attributes:
        messages: the events, room by room, in order.
        starts: the client's position in each of its rooms before these events.
        ends: its positions after them.
    """

    __slots__ = ("ends", "messages", "starts")

    def __init__(self) -> None:
        self.messages: list[PreparedMessage] = []
        self.starts: dict[str, Position] = {}
        self.ends: dict[str, Position] = {}


class Recovery:
    """The recoverable connections of one node.

    Args:
        options: limits.
        broker: stores records, if it is durable, and the rooms' logs.
        rules: decide which rooms a returning client may still join.
        hub: receives requests of other nodes, if the broker is shared.
    """

    def __init__(
        self, options: RecoveryOptions, broker: Broker, rules: RoomRules, hub: Hub
    ) -> None:
        self._options = options
        self._broker = broker
        self._rules = rules
        max_age = options.max_disconnection_duration
        # A log in memory would be lost together with the records of this process.
        self._store = RecoveryStore(broker, max_age) if broker.is_durable else None
        self._handover = Handover(hub, broker, self._close_session) if broker.is_shared else None
        self._is_listening = False
        self._tasks = BackgroundTasks()
        self._records: dict[str, RecoveryRecord] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def open(self, sid: str, user_id: str, session: Session) -> RecoveryRecord:
        """Create the record of a new connection."""
        sent = SentLog(self._options.max_missed)
        record = RecoveryRecord(self._new_private_id(), sid, user_id, sent, session)
        self._records[record.pid] = record
        return record

    async def find(
        self, pid: str, last_seen: str | None, identity: Identity
    ) -> RecoveryRecord | None:
        """Return the record of a private id, or None if this user has none; stop its expiry.

        The record comes from this node, the broker, or the node that has the connection.

        Raises:
            BrokerUnavailable: the log that may contain it cannot be read.
        """
        record = self._records.get(pid)
        if not _is_newest(record, last_seen):
            record = await self._load(pid) or record
        if self._handover is not None and not _is_newest(record, last_seen):
            await self._handover.ask(pid, room_of(pid))
            record = await self._load(pid) or record
        if record is None or record.user_id != identity.user_id:
            return None
        self.hold(record)
        return record

    def hold(self, record: RecoveryRecord) -> None:
        """Stop the expiry of a record."""
        expiry = self._expiries.pop(record.pid, None)
        if expiry is not None:
            expiry.cancel()

    def resume(self, record: RecoveryRecord, session: Session, missed: Missed) -> None:
        """Continue a record with a new session, which is sent `missed`."""
        record.session = session
        record.sent = SentLog(self._options.max_missed)
        for room, start in missed.starts.items():
            record.sent.begin(room, start)
        record.sent.append(PreparedBatch(missed.messages))

    def release(self, record: RecoveryRecord) -> None:
        """Store the record of a closed connection, and start its expiry."""
        record.session = None
        loop = asyncio.get_running_loop()
        if self._store is not None:
            self._tasks.start(self._save(self._store, record))
        duration = self._options.max_disconnection_duration
        self._expiries[record.pid] = loop.call_later(duration, self._forget, record.pid)

    def discard(self, record: RecoveryRecord) -> None:
        """Delete a record: its client left, or cannot be recovered."""
        self.hold(record)
        self._records.pop(record.pid, None)

    async def close(self) -> None:
        """Finish storing records, and delete those of this process."""
        await self._tasks.wait()
        for expiry in self._expiries.values():
            expiry.cancel()
        self._expiries.clear()
        self._records.clear()
        self._is_listening = False

    async def missed(
        self, record: RecoveryRecord, last_seen: str | None, identity: Identity
    ) -> Missed | None:
        """Return what a client missed in the rooms that it may still join.

        Returns None if events are lost, or more than `max_missed` were missed; the client then
        cannot recover.
        """
        positions = record.sent.positions(last_seen)
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
        """Add the entries of a room's log after a position; False if some are not retained."""
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
            self._is_listening = False  # the next client tries again

    def _close_session(self, pid: str) -> None:
        record = self._records.get(pid)
        if record is not None and record.session is not None:
            record.session.close(TRANSPORT_CLOSED)

    async def _save(self, store: RecoveryStore, record: RecoveryRecord) -> None:
        sent = record.sent.save(MAX_SENT)
        saved = SavedRecord(record.sid, record.user_id, store.now_ms(), sent)
        try:
            await store.save(record.pid, saved)
        except BrokerUnavailable as error:
            logger.warning("a connection can be recovered on this node only: %s", error)

    async def _load(self, pid: str) -> RecoveryRecord | None:
        saved = None if self._store is None else await self._store.load(pid)
        if saved is None:
            return None
        sent = SentLog.load(saved.sent, self._options.max_missed)
        record = self._records[pid] = RecoveryRecord(pid, saved.sid, saved.user_id, sent)
        return record

    def _forget(self, pid: str) -> None:
        self._expiries.pop(pid, None)
        self._records.pop(pid, None)


def _is_newest(record: RecoveryRecord | None, last_seen: str | None) -> bool:
    """Return whether no other node can have a newer record of the connection.

    So it is if the connection is on this node, or if this node sent the client its last event.
    """
    return record is not None and (record.session is not None or record.sent.knows(last_seen))
