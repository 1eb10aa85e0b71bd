"""Reads slices of logs for members that catch up, and encodes each slice once for all of them."""

import asyncio

from longwire.broker import Broker
from longwire.log.publication import History
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.rooms.room import HubRoom
from longwire.types import Position

# The room, the log's end as far as this node knows, and the position that the slice follows.
_Key = tuple[str, "Position", "Position | None"]

# Seconds for which slices are cached. Clients of a restarted server reconnect over some seconds,
# and each miss costs one encoding.
CACHED_FOR = 1.0

# Cached slices, at most half a megabyte of data each. A crowd that catches up stands at few
# positions.
MAX_CACHED = 32


class Replay:
    """A slice of a log, ready to be written.

    Attributes:
        position: the log's end when the slice was read.
        recovered: whether the slice follows the requested position.
        complete: whether it reaches the log's end.
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
    """Reads slices of logs and caches them briefly.

    Args:
        broker: stores the logs.
        limit: publications per slice.
    """

    def __init__(self, broker: Broker, limit: int) -> None:
        self._broker = broker
        self._limit = limit
        self._cache: dict[_Key, Replay] = {}

    async def read(self, room: HubRoom, since: Position | None) -> Replay:
        """Return the slice that follows a position; see `Broker.read`.

        The log's end is part of the cache key, so a log that has grown is read again.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        key = (room.name, room.end, since)
        replay = self._cache.get(key)
        if replay is None:
            history = await self._broker.read(room.name, since, limit=self._limit)
            replay = self._cache.get(key)  # another member may have read it meanwhile
            if replay is None:
                replay = self._add(key, Replay(room.name, history))
        return replay

    def clear(self) -> None:
        """Drop all cached slices."""
        self._cache.clear()

    def _add(self, key: _Key, replay: Replay) -> Replay:
        if not self._cache:
            asyncio.get_running_loop().call_later(CACHED_FOR, self._cache.clear)
        elif len(self._cache) == MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = replay
        return replay
