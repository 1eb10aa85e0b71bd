"""Where connections that ended are kept for the next process, or another node.

Their records are written to rooms of the broker that nobody can join: whatever the broker promises
for events, it promises for them. A private id gives the room and, hashed, the slot; so each has
one record, the newest, and reading one costs no more than reading one small log.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from longwire.broker.slices import read_slices
from longwire.clock import wall_time
from longwire.log import Draft
from longwire.server.recovery.sent_log import KeptTrail

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.broker import Broker

ROOMS = 64
"""A log keeps about four thousand slots, and a megabyte of them: 250,000 records, or 64 MB."""

MAX_SENT = 256
"""What was sent last to a client and may not have come to it, in events; a few kilobytes."""


class KeptRecord(msgspec.Struct, array_like=True, frozen=True):
    """A connection that ended.

    Attributes:
        sid: its public id.
        user_id: whose it was.
        ended_ms: when it ended, by the clock of its server.
        trail: what it was sent.
    """

    sid: str
    user_id: str
    ended_ms: int
    trail: KeptTrail


class RecoveryStore:
    """Keeps records in a broker's logs.

    Args:
        broker: whose.
        max_age: seconds after which a record is of no use.
        clock: tells the time.
    """

    def __init__(
        self, broker: Broker, max_age: float, clock: Callable[[], float] = wall_time
    ) -> None:
        self._broker = broker
        self._max_age_ms = max_age * 1000
        self._clock = clock

    def now_ms(self) -> int:
        """The time that a record bears."""
        return int(self._clock() * 1000)

    async def save(self, pid: str, record: KeptRecord) -> None:
        """Keep a record instead of an earlier one.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        room, slot = _place(pid)
        await self._broker.publish(room, Draft("recovery", msgspec.json.encode(record), slot))

    async def load(self, pid: str) -> KeptRecord | None:
        """Return the record that was kept last, if it is still of use.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        data = await self._find(*_place(pid))
        if data is None:
            return None
        record = msgspec.json.decode(data, type=KeptRecord)
        return record if self.now_ms() - record.ended_ms <= self._max_age_ms else None

    async def _find(self, room: str, slot: str) -> bytes | None:
        found = None
        async for history in read_slices(self._broker, room):
            for entry in history.publications:
                if entry.slot == slot:
                    found = entry.data
        return found


def room_of(pid: str) -> str:
    """Return the room in which the record of a private id is kept."""
    return _place(pid)[0]


def _place(pid: str) -> tuple[str, str]:
    """The room and the slot of a private id; who reads the log does not learn the id."""
    digest = hashlib.sha256(pid.encode()).hexdigest()
    return f"recovery {int(digest[:8], 16) % ROOMS}", digest[:32]
