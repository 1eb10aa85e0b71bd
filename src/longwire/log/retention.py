"""How much of a room's log is kept."""

from collections.abc import Mapping
from typing import Final

import msgspec

ENTRY_OVERHEAD = 200
"""Bytes that an entry takes in memory besides its data, measured with `sys.getsizeof`."""


class RetentionLimits(msgspec.Struct, frozen=True):
    """The bounds of one room's log. Beyond them the oldest entries are dropped, state last.

    *State* is the newest entry of each `Latest` slot. The newest entry of a log is never dropped,
    so a reader can always reach the end. Joined text counts as one entry.

    Attributes:
        max_entries: bounds the entries that a read walks through. 10,000 entries of a few hundred
            bytes reach `max_bytes` at about the same time.
        max_bytes: 8 MiB hold the output of a long job, about 1.5 million words, and let 100 such
            rooms fit into the memory of a small server.
        max_age: seconds. With one day, a page opened the next morning shows last night's job.
            State does not age while its room is in use, so a job that runs for two days keeps its
            owner and status.
    """

    max_entries: int = 10_000
    max_bytes: int = 8 * 1024 * 1024
    max_age: float = 86_400.0


DEFAULT_RETENTION = RetentionLimits()

_YEARS: Final = 10 * 366 * 86_400.0

CONTROL_ROOMS: Final[Mapping[str, RetentionLimits]] = {
    "control revocations": RetentionLimits(1_000_000, 1 << 30, _YEARS),
    "control actions": RetentionLimits(10_000, 8 * 1024 * 1024, _YEARS),
    "control occupancy": RetentionLimits(1_000_000, 1 << 30, _YEARS),
    "control parked": RetentionLimits(100_000, 1 << 30, _YEARS),
}
"""Rooms of the servers themselves, and their bounds, which no option of a broker shortens.

A revocation must outlive the token, also if every server is stopped for longer than rooms are kept.
Their writers bound them. Rooms of clients cannot have these names, because of the spaces.
"""


CONSUMER_PREFIX: Final = "consumer "
"""The names of rooms that hold the positions of consumers begin with this."""

CONSUMER_LIMITS: Final = RetentionLimits(1_000_000, 1 << 30, 30 * 86_400.0)
"""The bounds of such a room: one entry for each room of the broker with events of its consumer. A
consumer that was stopped for a month starts over."""


def is_internal(room: str) -> bool:
    """Return whether a room belongs to the servers themselves, so that only they delete it."""
    return room in CONTROL_ROOMS or room.startswith(CONSUMER_PREFIX)


def limits_of(room: str, limits: RetentionLimits) -> RetentionLimits:
    """Return the bounds of a room: `limits`, unless the room belongs to the servers themselves."""
    if room.startswith(CONSUMER_PREFIX):
        return CONSUMER_LIMITS
    return CONTROL_ROOMS.get(room, limits)
