"""The answer to a publication."""

from __future__ import annotations

from typing import NamedTuple

from longwire.types import Position


class Published(NamedTuple):
    """Where a publication went.

    Attributes:
        room: the room.
        position: its position in the room's log.
        attempt: the attempt of the job to which it belongs, if any.
    """

    room: str
    position: Position
    attempt: int | None = None
