"""Bounded concurrency over keys: one task at a time for each key."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from enum import Enum, auto
from typing import Final, Generic, TypeVar

from longwire.background import BackgroundTasks

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger("longwire.consumers")

# Seconds until a key is run again after an exception that its work did not expect.
RUN_AGAIN: Final = 5.0


class _State(Enum):
    QUEUED = auto()
    RUNNING = auto()
    AGAIN = auto()
    """Running, and to be run once more because it was added meanwhile."""
    WAITING = auto()


class KeyedWork(Generic[K]):
    """Runs `run(key)` for each key that is added, for at most `limit` keys at a time.

    A key that is added while it runs is run again afterwards, so whatever happened before `add` is
    seen by a run that starts after it. Keys wait in line: a key that asks to be run again at once
    goes to the end of it.

    Args:
        limit: keys that run concurrently.
        run: does the work of a key; returns None when the key is done, or the seconds after which
            it must be run again. Adding a key that waits does not shorten its delay.
    """

    def __init__(self, limit: int, run: Callable[[K], Awaitable[float | None]]) -> None:
        self._limit = limit
        self._run = run
        self._states: dict[K, _State] = {}
        self._line: deque[K] = deque()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._tasks = BackgroundTasks()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, key: K) -> bool:
        return key in self._states

    def add(self, key: K) -> None:
        """Run a key soon, unless it is in line already."""
        state = self._states.get(key)
        if state is None:
            self._queue(key)
            self._start_tasks()
        elif state is _State.RUNNING:
            self._states[key] = _State.AGAIN

    def discard(self, key: K) -> None:
        """Do not run a key that is not running, and do not run again one that is."""
        if self._states.get(key) in (_State.QUEUED, _State.WAITING):
            del self._states[key]
            timer = self._timers.pop(key, None)
            if timer is not None:
                timer.cancel()
        elif key in self._states:
            self._states[key] = _State.RUNNING

    def is_running(self, key: K) -> bool:
        """Return whether a key runs at present."""
        return self._states.get(key) in (_State.RUNNING, _State.AGAIN)

    async def close(self, grace: float) -> None:
        """Start nothing more, and wait for what runs; cancel it after `grace` seconds."""
        self._is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        self._states.clear()
        self._line.clear()
        self._timers.clear()

    def _queue(self, key: K) -> None:
        self._states[key] = _State.QUEUED
        self._line.append(key)

    def _start_tasks(self) -> None:
        while self._line and len(self._tasks) < self._limit and not self._is_closed:
            key = self._line.popleft()
            if self._states.get(key) is _State.QUEUED:  # otherwise it was discarded
                self._states[key] = _State.RUNNING
                self._tasks.start(self._work(key)).add_done_callback(lambda _: self._start_tasks())

    async def _work(self, key: K) -> None:
        try:
            delay = await self._run(key)
        except Exception:
            logger.exception("a consumer failed on %r; it tries again", key)
            delay = RUN_AGAIN
        if delay:
            self._states[key] = _State.WAITING
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(delay, self._end_wait, key)
        elif delay == 0 or self._states[key] is _State.AGAIN:
            self._queue(key)
        else:
            del self._states[key]

    def _end_wait(self, key: K) -> None:
        del self._timers[key]
        self._queue(key)
        self._start_tasks()
