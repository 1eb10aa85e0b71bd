"""The deadlines of many objects on one timer."""

import asyncio
import math
from typing import Protocol


class Timed(Protocol):
    """An object that has deadlines."""

    def next_deadline(self) -> float | None:
        """Return the loop time at which to call `handle_deadline`, or None."""
        ...

    def handle_deadline(self, now: float) -> None:
        """Do what is due at the loop time `now`."""
        ...


class Deadlines:
    """Calls `handle_deadline` of watched objects, with one timer for all of them.

    Deadlines are collected in buckets of one tick, and are handled at most one tick late. An
    object whose deadline moves into the future need not be watched again: when its old bucket is
    due, it is asked for its next deadline.
    """

    def __init__(self, tick: float = 0.25) -> None:
        self._tick = tick
        self._buckets: dict[int, dict[Timed, None]] = {}
        self._scheduled: dict[Timed, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_bucket = 0

    def watch(self, timed: Timed) -> None:
        """Handle the next deadline of `timed`; call this again when the deadline moves closer."""
        deadline = timed.next_deadline()
        if deadline is None:
            return
        bucket = math.ceil(deadline / self._tick)
        known = self._scheduled.get(timed)
        if known is not None:
            if known <= bucket:
                return
            self._buckets[known].pop(timed, None)
        self._scheduled[timed] = bucket
        self._buckets.setdefault(bucket, {})[timed] = None
        self._arm(bucket)

    def forget(self, timed: Timed) -> None:
        """Stop watching `timed`."""
        bucket = self._scheduled.pop(timed, None)
        if bucket in self._buckets:
            self._buckets[bucket].pop(timed, None)

    def close(self) -> None:
        """Stop watching everything."""
        self._buckets.clear()
        self._scheduled.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, bucket: int) -> None:
        if self._timer is not None:
            if self._timer_bucket <= bucket:
                return
            self._timer.cancel()
        self._timer_bucket = bucket
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(bucket * self._tick, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        current = max(self._timer_bucket, math.floor(now / self._tick))
        for bucket in sorted(b for b in self._buckets if b <= current):
            for timed in self._buckets.pop(bucket):
                if self._scheduled.pop(timed, None) is not None:
                    self._check(timed, now)
        if self._buckets:
            self._arm(min(self._buckets))

    def _check(self, timed: Timed, now: float) -> None:
        deadline = timed.next_deadline()
        if deadline is not None and deadline <= now + self._tick / 2:
            timed.handle_deadline(max(now, deadline))
        self.watch(timed)
