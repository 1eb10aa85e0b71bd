"""The scripts of one room, as commands."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.broker.redis.connection.address import Command
    from longwire.broker.redis.log.script import Script
    from longwire.log import RetentionLimits

_PARTS = ("meta", "log", "slots", "ids", "order")


class RoomScripts:
    """Makes commands that run a script on one room.

    The keys of a room carry one hash tag, so that they share a slot.

    Args:
        prefix: of all keys.
        retention: the bounds of a room's log.
        now_ms: the clock.
    """

    def __init__(self, prefix: str, retention: RetentionLimits, now_ms: Callable[[], int]) -> None:
        self._prefix = prefix
        self._now_ms = now_ms
        max_age_ms = int(retention.max_age * 1000)
        # Keys of rooms that nobody sweeps, since no node is left, go a while later by themselves.
        self.ttl_ms = max(1, max_age_ms + max_age_ms // 4)
        self.max_age_ms = max_age_ms
        self._bounds = (self.ttl_ms, max_age_ms, retention.max_entries, retention.max_bytes)

    def command(
        self, script: Script, room: str, arguments: Sequence[bytes | str | int] = ()
    ) -> Callable[[bytes], Command]:
        """The command that runs `script`, for whatever connection it will be sent through."""
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
        command += (lineage, secrets.token_hex(8), self._now_ms(), *self._bounds)
        command += arguments
        return command
