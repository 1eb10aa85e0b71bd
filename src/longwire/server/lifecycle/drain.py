"""Moves the clients of a node that stops to other nodes, a few at a time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from longwire.server.clients.sessions import Sessions
from longwire.server.limits import Limits
from longwire.server.session.session import Session

logger = logging.getLogger("longwire.server")

# Seconds between two batches.
STEP: Final = 0.1

# Clients that are moved per second, unless that would exceed the time for the drain. A developer's
# server with two tabs then stops at once, and one with hundreds takes the whole time.
MOVES_PER_SECOND: Final = 20

# Clients that return per second to a node that has no replacement. It stops at once, since until
# it is back every second that its clients spend waiting for their turn is an outage.
RETURNS_PER_SECOND: Final = 500

# Seconds that such a node waits for running handlers and replays.
PATIENCE_ALONE: Final = 1.0


class Drain:
    """Closes the sessions of this node in batches, with the advice when to reconnect.

    Clients of a shared broker move to another node: each is served until its turn comes, so it is
    away for the time of one reconnect, and no second has more than its share of the reconnects.
    Clients that are in the middle of a replay, or whose events are being handled, come last.

    Without a shared broker only this node can serve its clients when it is back. Their turns are
    then in the advice: all sessions close at once, with delays that differ.

    Args:
        sessions: the sessions of this node.
        limits: `retry_after`.
        is_shared: whether other nodes have the same logs.
    """

    def __init__(self, sessions: Sessions, limits: Limits, *, is_shared: bool) -> None:
        self._sessions = sessions
        self._limits = limits
        self._is_shared = is_shared
        self._has_begun = asyncio.Event()

    @property
    def is_active(self) -> bool:
        """Whether a drain has begun; the server then accepts no further clients."""
        return self._sessions.is_draining

    async def until_active(self) -> None:
        """Return when a drain begins."""
        await self._has_begun.wait()

    def begin(self) -> None:
        """Refuse new clients from now on."""
        self._sessions.is_draining = True
        self._has_begun.set()

    def reset(self) -> None:
        """Accept clients again, because the server starts again."""
        self._sessions.is_draining = False
        self._has_begun = asyncio.Event()

    async def run(self, seconds: float, is_hurried: Callable[[], bool]) -> None:
        """Close all sessions within `seconds`; at once if `is_hurried` returns true."""
        self.begin()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        waiting = deque(self._sessions.all())
        total = len(waiting)
        if not total:
            return
        window = min(seconds, total / MOVES_PER_SECOND) if self._is_shared else 0.0
        patience = seconds if self._is_shared else min(seconds, PATIENCE_ALONE)
        spread = min(seconds, total / RETURNS_PER_SECOND)
        logger.info("draining: %d clients within %.1f s", total, window)
        while waiting and not is_hurried():
            elapsed = loop.time() - begun
            if elapsed >= patience:
                break
            # A step that came late closes more, so that the drain ends in time.
            share = 1.0 if elapsed + STEP >= window else (elapsed + STEP) / window
            closed = total - len(waiting)
            self._close_idle(waiting, math.ceil(total * share) - closed, spread)
            if waiting:
                await asyncio.sleep(STEP)
        self._close(list(waiting), spread)

    def _close_idle(self, waiting: deque[Session], count: int, spread: float) -> None:
        """Close up to `count` sessions, but none that is busy; those go to the end of the line."""
        batch: list[Session] = []
        for _ in range(len(waiting)):
            if len(batch) >= count:
                break
            session = waiting.popleft()
            if self._sessions.is_busy(session):
                waiting.append(session)
            else:
                batch.append(session)
        self._close(batch, spread)

    def _close(self, batch: list[Session], spread: float) -> None:
        base = self._limits.retry_after
        for number, session in enumerate(batch):
            turn = number / len(batch)
            delay = base * turn if self._is_shared else base + spread * turn
            if session.is_open:
                self._sessions.shut_down(session, round(delay, 3))
