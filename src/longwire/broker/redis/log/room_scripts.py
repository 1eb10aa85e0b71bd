"""Commands that run a script on one room."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from longwire.broker.redis.connection.address import Command
from longwire.broker.redis.scripts import Script
from longwire.log.retention import (
    CONSUMER_LIMITS,
    CONSUMER_PREFIX,
    CONTROL_ROOMS,
    RetentionLimits,
)

_PARTS = ("meta", "log", "slots", "ids", "order")


class RoomScripts:
    """Builds the commands that run a script on one room.

    All keys of a room have the same hash tag, so that a Redis cluster keeps them in one slot.

    Args:
        prefix: the prefix of all keys.
        retention: the bounds of each room's log.
        now_ms: returns the time.
    """

    def __init__(self, prefix: str, retention: RetentionLimits, now_ms: Callable[[], int]) -> None:
        self._prefix = prefix
        self._now_ms = now_ms
        self._bounds = _bounds(retention)
        self._control_bounds = {room: _bounds(limits) for room, limits in CONTROL_ROOMS.items()}
        self._consumer_bounds = _bounds(CONSUMER_LIMITS)
        self.ttl_ms, self.max_age_ms, _, _ = self._bounds

    def command(
        self, script: Script, room: str, arguments: Sequence[bytes | str | int] = ()
    ) -> Callable[[bytes], Command]:
        """Return a function that builds the command from the lineage of the connection."""
        return partial(self._command, script, room, arguments)

    def _command(
        self,
        script: Script,
        room: str,
        arguments: Sequence[bytes | str | int],
        lineage: bytes,
    ) -> Command:
        tag = f"{self._prefix}:{{room:{room}}}:"
        command: list[bytes | str | int] = [b"EVALSHA", script.sha, len(_PARTS)]
        command += (tag + part for part in _PARTS)
        bounds = self._control_bounds.get(room, self._bounds)
        if room.startswith(CONSUMER_PREFIX):
            bounds = self._consumer_bounds
        command += (lineage, secrets.token_hex(8), self._now_ms(), *bounds)
        command += arguments
        return command


def _bounds(retention: RetentionLimits) -> tuple[int, int, int, int]:
    """Return the arguments ttl_ms, max_age_ms, max_entries and max_bytes of `room.lua`."""
    max_age_ms = int(retention.max_age * 1000)
    # Keys expire a while after `max_age`, in case no node is left to delete the room.
    ttl_ms = max(1, max_age_ms + max_age_ms // 4)
    return ttl_ms, max_age_ms, retention.max_entries, retention.max_bytes
