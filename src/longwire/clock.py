"""The clock of the whole library, so that tests can set the time in one place."""

import time
from collections.abc import Callable


class Clock:
    """Two functions that return the time, which tests can replace.

    A call costs one attribute access more than calling the function of `time` directly.

    Attributes:
        monotonic: returns the time of asyncio's and uvloop's event loops, in seconds.
        time: returns the seconds since the Unix epoch.
    """

    def __init__(self) -> None:
        self.monotonic: Callable[[], float] = time.monotonic
        self.time: Callable[[], float] = time.time


clock = Clock()


def wall_time() -> float:
    """Return the seconds since the Unix epoch."""
    return clock.time()
