"""What a stock client was sent, so that the last event that it names tells how far it is."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from longwire.types import Position

if TYPE_CHECKING:
    from longwire.prepared import PreparedBatch


class KeptTrail(msgspec.Struct, array_like=True, frozen=True):
    """A trail as it is kept for another process.

    Attributes:
        starts: how far the client was in each of its rooms before all that follows.
        sent: room and last offset of what it was sent then, in order.
        has_forgotten: whether it was sent anything before that.
    """

    starts: dict[str, Position]
    sent: list[tuple[str, int]]
    has_forgotten: bool


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
        self._forget_surplus()

    @classmethod
    def restore(cls, kept: KeptTrail, max_sent: int) -> Trail:
        """Return the trail that was kept."""
        trail = cls(max_sent)
        trail._starts = dict(kept.starts)
        trail._sent = deque(kept.sent)
        trail._has_forgotten = kept.has_forgotten
        return trail

    def keep(self, max_sent: int) -> KeptTrail:
        """Return what is to be restored elsewhere: so much of what was sent, and where it began."""
        kept = Trail(max_sent)
        kept._starts, kept._sent = dict(self._starts), deque(self._sent)
        kept._has_forgotten = self._has_forgotten
        kept._forget_surplus()
        return KeptTrail(kept._starts, list(kept._sent), kept._has_forgotten)

    @property
    def newest(self) -> str:
        """The offset of what was sent last, as the client is told it; "" if nothing was."""
        return "{1}@{0}".format(*self._sent[-1]) if self._sent else ""

    def knows(self, last_seen: str | None) -> bool:
        """Return whether `positions` knows an answer."""
        return self.positions(last_seen) is not None

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

    def _forget_surplus(self) -> None:
        while len(self._sent) > self._max_sent:
            room, last = self._sent.popleft()
            self._starts[room] = Position(self._starts[room].epoch, last)
            self._has_forgotten = True


def _parse(last_seen: str) -> tuple[str, int] | None:
    span, _, room = last_seen.partition("@")
    last = span.rpartition("-")[2]
    return (room, int(last)) if last.isdecimal() and len(last) < 20 else None
