"""What time it is for the whole library, in one place, so that tests can move it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """The two clocks of the process, each a function that can be replaced.

    Reading one costs an attribute more than asking `time`, whose functions these are.

    Attributes:
        monotonic: seconds since some moment; the clock of asyncio's and uvloop's loops, without
            asking for one.
        time: seconds since the epoch.
    """

    __slots__ = ("monotonic", "time")

    def __init__(self) -> None:
        self.monotonic: Callable[[], float] = time.monotonic
        self.time: Callable[[], float] = time.time


clock = Clock()


def wall_time() -> float:
    """Return the seconds since the epoch."""
    return clock.time()
