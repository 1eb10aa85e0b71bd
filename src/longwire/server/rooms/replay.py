"""What those who catch up are sent: slices of logs, read and encoded once for a crowd."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from longwire.prepared import PreparedBatch, PreparedMessage

if TYPE_CHECKING:
    from longwire.broker import Broker
    from longwire.log import History
    from longwire.server.rooms.room import HubRoom
    from longwire.types import Position

# A room, where its log stood for this node, and what was asked for.
_Key = tuple[str, "Position", "Position | None"]

# Seconds for which slices are kept: clients that lost their server come back over some seconds,
# and each of these costs one encoding then.
KEPT_FOR = 1.0

# Slices that are kept, half a megabyte of data each at most: a crowd stands at few places.
MAX_KEPT = 32


class Replay:
    """A slice of a log, ready to be written.

    Attributes:
        position: the log's end when it was read.
        recovered: whether it follows the position that it was asked for.
        complete: whether it reaches the end.
        batch: its entries.
    """

    __slots__ = ("batch", "complete", "position", "recovered")

    def __init__(self, room: str, history: History) -> None:
        self.position = history.position
        self.recovered = history.recovered
        self.complete = history.complete
        self.batch = PreparedBatch(
            [PreparedMessage.of(entry, room) for entry in history.publications]
        )


class Replays:
    """Reads logs, and keeps what it read for a moment.

    Args:
        broker: where the logs are.
        limit: publications in a slice.
    """

    def __init__(self, broker: Broker, limit: int) -> None:
        self._broker = broker
        self._limit = limit
        self._kept: dict[_Key, Replay] = {}

    async def read(self, room: HubRoom, since: Position | None) -> Replay:
        """Return what follows a position; see `Broker.read`. A log that has grown is read anew.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        key = (room.name, room.end, since)
        replay = self._kept.get(key)
        if replay is None:
            history = await self._broker.read(room.name, since, limit=self._limit)
            replay = self._kept.get(key)  # others may have read it meanwhile
            if replay is None:
                replay = self._keep(key, Replay(room.name, history))
        return replay

    def clear(self) -> None:
        """Keep nothing that was read so far."""
        self._kept.clear()

    def _keep(self, key: _Key, replay: Replay) -> Replay:
        if not self._kept:
            asyncio.get_running_loop().call_later(KEPT_FOR, self._kept.clear)
        elif len(self._kept) == MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = replay
        return replay
