"""Records what a stock client was sent, to turn its last offset into a position in every room.

A stock client names only the last event that it received. It was sent events of several rooms in
one order, so this event determines how far it has read each room.
"""

from __future__ import annotations

from collections import deque

import msgspec

from longwire.prepared import PreparedBatch
from longwire.server.session.session import Session
from longwire.types import Position


class SavedLog(msgspec.Struct, array_like=True, frozen=True):
    """A `SentLog` as it is stored for another process.

    Attributes:
        starts: the client's position in each of its rooms before everything in `sent`.
        sent: room and last offset of each event that the client was sent, in order.
        has_dropped: whether older entries were dropped from `sent`.
    """

    starts: dict[str, Position]
    sent: list[tuple[str, int]]
    has_dropped: bool


class SentLog:
    """The events that one client was sent, in order; at most `max_sent`.

    Example: the client starts at offset 3 of room `a` and 7 of room `b`, and is sent `4@a`, `8@b`,
    `5@a`. If it reconnects with `8@b`, it has read `a` up to 4 and `b` up to 8.
    """

    __slots__ = ("_has_dropped", "_max_sent", "_sent", "_starts")

    def __init__(self, max_sent: int) -> None:
        self._max_sent = max_sent
        self._starts: dict[str, Position] = {}
        self._sent: deque[tuple[str, int]] = deque()
        self._has_dropped = False

    def begin(self, room: str, position: Position) -> None:
        """Record a room from now on; the client is sent what follows `position`."""
        self.end(room)
        self._starts[room] = position

    def end(self, room: str) -> None:
        """Remove a room that the client has left."""
        if self._starts.pop(room, None) is not None:
            self._sent = deque(sent for sent in self._sent if sent[0] != room)

    def append(self, batch: PreparedBatch) -> None:
        """Record the events that the client is being sent; volatile ones have no offset."""
        for message in batch.messages:
            if message.room is not None:
                self._sent.append((message.room, message.last))
        self._drop_oldest()

    @classmethod
    def load(cls, saved: SavedLog, max_sent: int) -> SentLog:
        """Return the log that was saved."""
        log = cls(max_sent)
        log._starts = dict(saved.starts)
        log._sent = deque(saved.sent)
        log._has_dropped = saved.has_dropped
        return log

    def save(self, max_sent: int) -> SavedLog:
        """Return the log with its last `max_sent` entries, to be stored."""
        log = SentLog(max_sent)
        log._starts, log._sent = dict(self._starts), deque(self._sent)
        log._has_dropped = self._has_dropped
        log._drop_oldest()
        return SavedLog(log._starts, list(log._sent), log._has_dropped)

    @property
    def newest(self) -> str:
        """The offset of the last event as the client received it; "" if there was none."""
        return "{1}@{0}".format(*self._sent[-1]) if self._sent else ""

    def knows(self, last_seen: str | None) -> bool:
        """Return whether `positions` is known for this offset."""
        return self.positions(last_seen) is not None

    def positions(self, last_seen: str | None) -> dict[str, Position] | None:
        """Return the client's position in every room, or None if it is not known any more.

        Args:
            last_seen: the offset of the last event that the client received, if any.
        """
        if not last_seen:
            return None if self._has_dropped else dict(self._starts)
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

    def _drop_oldest(self) -> None:
        while len(self._sent) > self._max_sent:
            room, last = self._sent.popleft()
            self._starts[room] = Position(self._starts[room].epoch, last)
            self._has_dropped = True


class RecoveryRecord(msgspec.Struct, gc=False):
    """A connection that can be recovered.

    Attributes:
        pid: the client's private id, which proves that the connection is its own.
        sid: the public id.
        user_id: the user who signed in.
        sent: the events that the client was sent.
        session: the current session, or None while the client is away.
    """

    pid: str
    sid: str
    user_id: str
    sent: SentLog
    session: Session | None = None


def _parse(last_seen: str) -> tuple[str, int] | None:
    span, _, room = last_seen.partition("@")
    last = span.rpartition("-")[2]
    return (room, int(last)) if last.isdecimal() and len(last) < 20 else None
