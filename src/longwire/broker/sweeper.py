"""Calls a function at regular intervals, such as a broker's `sweep`."""

import asyncio
from collections.abc import Callable

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps; entries may outlive their maximum age by this long."""


class Sweeper:
    """Calls `sweep` every `interval` seconds between `start` and `stop`."""

    def __init__(self, sweep: Callable[[], object], interval: float = SWEEP_INTERVAL) -> None:
        self._sweep = sweep
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start; the first call is made after one interval."""
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._run)

    def stop(self) -> None:
        """Stop. Does nothing before `start`."""
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        self.start()
        self._sweep()
