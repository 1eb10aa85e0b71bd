"""Stores the records of closed connections for the next process, or for another node.

Records are published to rooms of the broker that clients cannot join, so they are as durable as
events. The private id determines the room and, hashed, the slot: only the newest record of a
connection is retained, and loading it reads one small log.
"""

import hashlib
from collections.abc import Callable

import msgspec

from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.clock import wall_time
from longwire.log.publication import Draft
from longwire.server.recovery.sent_log import SavedLog

ROOMS = 64
"""A log retains about 4,000 slots and 1 MB of them: 250,000 records, or 64 MB, in all rooms."""

MAX_SENT = 256
"""The last events of a connection that are stored: those the client may not have received."""


class SavedRecord(msgspec.Struct, array_like=True, frozen=True):
    """A closed connection, as it is stored.

    Attributes:
        sid: the public id.
        user_id: the user who had signed in.
        ended_ms: when it closed, in milliseconds of the server's clock.
        sent: the events that the client was sent.
    """

    sid: str
    user_id: str
    ended_ms: int
    sent: SavedLog


class RecoveryStore:
    """Saves and loads records.

    Args:
        broker: stores them.
        max_age: seconds after which a record has expired.
        clock: returns the time in seconds since the epoch.
    """

    def __init__(
        self, broker: Broker, max_age: float, clock: Callable[[], float] = wall_time
    ) -> None:
        self._broker = broker
        self._max_age_ms = max_age * 1000
        self._clock = clock

    def now_ms(self) -> int:
        """Return the time for `SavedRecord.ended_ms`."""
        return int(self._clock() * 1000)

    async def save(self, pid: str, record: SavedRecord) -> None:
        """Save a record; it replaces an earlier one.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        room, slot = _place(pid)
        await self._broker.publish(room, Draft("recovery", msgspec.json.encode(record), slot))

    async def load(self, pid: str) -> SavedRecord | None:
        """Return the newest record of a private id, unless it has expired.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        data = await self._find(*_place(pid))
        if data is None:
            return None
        record = msgspec.json.decode(data, type=SavedRecord)
        return record if self.now_ms() - record.ended_ms <= self._max_age_ms else None

    async def _find(self, room: str, slot: str) -> bytes | None:
        found = None
        async for history in read_slices(self._broker, room):
            for entry in history.publications:
                if entry.slot == slot:
                    found = entry.data
        return found


def room_of(pid: str) -> str:
    """Return the room that stores the record of a private id."""
    return _place(pid)[0]


def _place(pid: str) -> tuple[str, str]:
    """Return room and slot of a private id, hashed: the log must not reveal private ids."""
    digest = hashlib.sha256(pid.encode()).hexdigest()
    return f"recovery {int(digest[:8], 16) % ROOMS}", digest[:32]
