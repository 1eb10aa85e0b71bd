"""How much of a room's log is kept."""

from __future__ import annotations

import msgspec

ENTRY_OVERHEAD = 200
"""Bytes that an entry takes beside its data, as `sys.getsizeof` and the lists count them."""


class RetentionLimits(msgspec.Struct, frozen=True):
    """Bounds of one room's log. What exceeds them is dropped, oldest first, state last.

    *State* is the newest entry of a `Latest` slot. The newest entry of a log is never dropped,
    so that its end can always be reached by reading it. A run of joined text pieces counts as
    one entry.

    Attributes:
        max_entries: 10,000 entries of a few hundred bytes reach the bound of bytes at about the
            same time; it also bounds what a read has to walk through.
        max_bytes: 8 MiB holds the output of a long job, about 1.5 million words, and lets 100
            rooms of that kind fit into the memory of a small server.
        max_age: seconds. A day: a page that is opened the next morning shows last night's job.
            State does not age while its room lives: a job that runs for two days keeps its
            owner and its status.
    """

    max_entries: int = 10_000
    max_bytes: int = 8 * 1024 * 1024
    max_age: float = 86_400.0


DEFAULT_RETENTION = RetentionLimits()
