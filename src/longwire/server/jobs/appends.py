"""Appends to the rooms of jobs, where an append has consequences on this node."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.catalog import JobOutput, JobProgress
from longwire.log import Condition, Draft
from longwire.schema import Encoded
from longwire.types import Position


def draft_of(encoded: Encoded) -> Draft:
    """Return the entry that a publication appends."""
    return Draft(encoded.event, encoded.data, encoded.slot, encoded.concat)


class Append(NamedTuple):
    """One append to a job's room.

    Attributes:
        room: the room.
        encoded: the event.
        id: makes a retry safe.
        attempt: the attempt of the worker that publishes; None if it is not a worker.
        condition: what must hold.
    """

    room: str
    encoded: Encoded
    id: str | None = None
    attempt: int | None = None
    condition: Condition | None = None


class JobAppends:
    """Appends in the order of the calls and reacts to each, even if the caller is cancelled.

    Args:
        broker: stores the logs.
        react: called with each appended event, its attempt and its position.
    """

    def __init__(
        self, broker: Broker, react: Callable[[object, int | None, Position], Awaitable[None]]
    ) -> None:
        self._broker = broker
        self._react = react
        # How many appends of a room run in tasks that have not started: an append without a task
        # would overtake them.
        self._starting: Counter[str] = Counter()
        self._tasks = BackgroundTasks()

    async def append(self, append: Append) -> Position:
        """Append to a job's room; raises what `Broker.publish` raises.

        Output and progress need no task, which would cost more than the append: if their caller
        is cancelled, the only reaction that is lost is one renewal of the lease.
        """
        is_frequent = isinstance(append.encoded.payload, JobOutput | JobProgress)
        if is_frequent and append.room not in self._starting:
            return await self._append(append)
        self._starting[append.room] += 1
        return await asyncio.shield(self._tasks.start(self._start(append)))

    async def close(self) -> None:
        """Wait for the appends that are under way."""
        await self._tasks.wait(return_exceptions=True)

    async def _start(self, append: Append) -> Position:
        self._starting -= Counter((append.room,))  # drops a count of zero, unlike -= 1
        return await self._append(append)

    async def _append(self, append: Append) -> Position:
        position = await self._broker.publish(
            append.room, draft_of(append.encoded), id=append.id, condition=append.condition
        )
        await self._react(append.encoded.payload, append.attempt, position)
        return position
