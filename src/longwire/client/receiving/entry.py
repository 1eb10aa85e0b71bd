"""An entry of a room's log, as it came."""

from __future__ import annotations

import msgspec


class LogEntry(msgspec.Struct, frozen=True):
    """An entry of a room's log with its place in it.

    Attributes:
        room: the room.
        first: the first offset that it stands for.
        last: the last one; the place from which to resume after it.
        event: the event's name.
        data: its payload in JSON, as the server sent it.
    """

    room: str
    first: int
    last: int
    event: str
    data: msgspec.Raw
