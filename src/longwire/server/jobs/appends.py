"""Appends to the rooms of jobs, where an append has consequences on this node."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.catalog import JobOutput, JobProgress
from longwire.log import Draft
from longwire.schema import Encoded
from longwire.types import Position


def draft_of(encoded: Encoded) -> Draft:
    """Return the entry that a publication appends."""
    return Draft(encoded.event, encoded.data, encoded.slot, encoded.concat)


class JobAppends:
    """Appends in the order of the calls and reacts to each, even if the caller is cancelled.

    Args:
        broker: stores the logs.
        react: called with each appended event and its position.
    """

    def __init__(
        self, broker: Broker, react: Callable[[object, Position], Awaitable[None]]
    ) -> None:
        self._broker = broker
        self._react = react
        # How many appends of a room run in tasks that have not started: an append without a task
        # would overtake them.
        self._starting: Counter[str] = Counter()
        self._tasks = BackgroundTasks()

    async def append(self, room: str, encoded: Encoded, id: str | None) -> Position:
        """Append to a job's room; raises what `Broker.publish` raises.

        Output and progress need no task, which would cost more than the append: if their caller
        is cancelled, the only reaction that is lost is one renewal of the lease.
        """
        if isinstance(encoded.payload, JobOutput | JobProgress) and room not in self._starting:
            return await self._append(room, encoded, id)
        self._starting[room] += 1
        return await asyncio.shield(self._tasks.start(self._start(room, encoded, id)))

    async def close(self) -> None:
        """Wait for the appends that are under way."""
        await self._tasks.wait(return_exceptions=True)

    async def _start(self, room: str, encoded: Encoded, id: str | None) -> Position:
        self._starting -= Counter((room,))  # drops a count of zero, unlike -= 1
        return await self._append(room, encoded, id)

    async def _append(self, room: str, encoded: Encoded, id: str | None) -> Position:
        position = await self._broker.publish(room, draft_of(encoded), id=id)
        await self._react(encoded.payload, position)
        return position
