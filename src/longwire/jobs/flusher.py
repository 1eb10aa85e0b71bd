"""Wakes the deliveries of all jobs of an event loop, with one timer for many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final
from weakref import WeakKeyDictionary

from longwire.task_pool import TaskPool

# Seconds. Everything that becomes due within this time shares a timer and a turn of the loop.
GRAIN: Final = 0.010

_flushers: WeakKeyDictionary[asyncio.AbstractEventLoop, Flusher] = WeakKeyDictionary()


class Flusher:
    """Calls back when something is due, up to `GRAIN` late, and runs what publishes it.

    The jobs of an event loop share one. A timer and a task for each event of each job cost three
    times as much as publishing the event.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, list[Callable[[], None]]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._pool = TaskPool()
        self._users = 0

    @classmethod
    def acquire(cls) -> Flusher:
        """Return the flusher of the running event loop; call `release` once for each call."""
        loop = asyncio.get_running_loop()
        flusher = _flushers.get(loop)
        if flusher is None:
            flusher = _flushers[loop] = cls(loop)
        flusher._users += 1
        return flusher

    async def release(self) -> None:
        """End the flusher's tasks and timers with its last user."""
        self._users -= 1
        if self._users == 0:
            if _flushers.get(self._loop) is self:
                del _flushers[self._loop]
            for timer in self._timers.values():
                timer.cancel()
            await self._pool.close()

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Call `callback` at `when`, or up to `GRAIN` later. It cannot be taken back."""
        slot = int(when / GRAIN) + 1
        waiting = self._slots.get(slot)
        if waiting is None:
            self._slots[slot] = [callback]
            self._timers[slot] = self._loop.call_at(slot * GRAIN, self._call, slot)
        else:
            waiting.append(callback)

    def run(self, coroutine: Any, context: Context) -> None:
        """Run a coroutine soon, in the order of the calls; it must not raise."""
        self._pool.run(coroutine, context)

    def _call(self, slot: int) -> None:
        del self._timers[slot]
        for callback in self._slots.pop(slot):
            callback()
