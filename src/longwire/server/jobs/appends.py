"""Appending to the rooms of jobs, whose events have consequences on this node."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from longwire.background import BackgroundTasks
from longwire.server.jobs.registry import SIGNS_OF_LIFE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.broker import Broker
    from longwire.log import Draft
    from longwire.types import Position


class JobAppends:
    """Appends in the order of the calls, and has the conclusions drawn whoever gives up meanwhile.

    Args:
        broker: where the logs are.
        conclude: told what was appended to which room, and where it stands.
    """

    def __init__(
        self, broker: Broker, conclude: Callable[[Draft, Position], Awaitable[None]]
    ) -> None:
        self._broker = broker
        self._conclude = conclude
        # Rooms with appends that begin in the next turn: what is called later must not overtake.
        self._beginning: Counter[str] = Counter()
        self._tasks = BackgroundTasks()

    async def append(self, room: str, draft: Draft, id: str | None) -> Position:
        """Append to a job's room; raises what `Broker.publish` does.

        Output and progress, of which there is much, tell no more than that the worker lives: only
        they are without conclusions if the caller is cancelled.
        """
        if draft.event in SIGNS_OF_LIFE and room not in self._beginning:
            return await self._append(room, draft, id)
        self._beginning[room] += 1
        return await asyncio.shield(self._tasks.start(self._begin(room, draft, id)))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.wait(return_exceptions=True)

    async def _begin(self, room: str, draft: Draft, id: str | None) -> Position:
        self._beginning -= Counter((room,))
        return await self._append(room, draft, id)

    async def _append(self, room: str, draft: Draft, id: str | None) -> Position:
        position = await self._broker.publish(room, draft, id=id)
        await self._conclude(draft, position)
        return position
