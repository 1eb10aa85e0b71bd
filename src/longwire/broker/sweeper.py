"""Calls a broker's sweep now and then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SWEEP_INTERVAL = 60.0
"""Seconds between two looks for what is too old; entries may outlive their age by as much."""


class Sweeper:
    """Calls `sweep` every `interval` seconds from `start` until `stop`."""

    def __init__(self, sweep: Callable[[], object], interval: float = SWEEP_INTERVAL) -> None:
        self._sweep = sweep
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._run)

    def stop(self) -> None:
        """Call no more. Harmless before `start`."""
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        self.start()
        self._sweep()
