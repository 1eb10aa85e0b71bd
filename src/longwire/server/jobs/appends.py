"""Appends to the rooms of jobs, where an append has consequences on this node."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.catalog import JobOutput, JobProgress
from longwire.errors import BrokerUnavailable
from longwire.log.condition import Condition
from longwire.log.publication import Draft
from longwire.schema import Encoded
from longwire.types import Position

# Output and progress are nearly all events of a job.
_STREAMED = (JobOutput, JobProgress)


def draft_of(encoded: Encoded) -> Draft:
    """Return the entry that a publication appends."""
    return Draft(encoded.event, encoded.data, encoded.slot, encoded.concat, encoded.merge)


class JobAppends:
    """Appends in the order of the calls and reacts to each, even if the caller is cancelled.

    Args:
        broker: stores the logs.
        observe: called with each appended event, its attempt and its position.
        react: called after it, except for output and progress, which have no other consequences.
        excuse: called with the room of an event that the broker could not store.
    """

    def __init__(
        self,
        broker: Broker,
        observe: Callable[[object, int | None, Position], None],
        react: Callable[[object, Position], Awaitable[None]],
        excuse: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._observe = observe
        self._react = react
        self._excuse = excuse
        # How many appends of a room run in tasks that have not started: an append without a task
        # would overtake them.
        self._starting: Counter[str] = Counter()
        self._tasks = BackgroundTasks()

    async def append(
        self,
        room: str,
        encoded: Encoded,
        id: str | None = None,
        attempt: int | None = None,
        condition: Condition | None = None,
    ) -> Position:
        """Append to a job's room; raises what `Broker.publish` raises.

        Output and progress need no task, which would cost more than the append: if their caller
        is cancelled, the only reaction that is lost is one renewal of the lease.

        Args:
            room: the room.
            encoded: the event.
            id: makes a retry safe.
            attempt: the attempt of the worker that publishes; None if it is not a worker.
            condition: what must hold.
        """
        appending = self._append(room, encoded, id, attempt, condition)
        if isinstance(encoded.payload, _STREAMED) and room not in self._starting:
            return await appending
        self._starting[room] += 1
        return await asyncio.shield(
            self._tasks.start(self._start(room, encoded.payload, appending))
        )

    async def close(self) -> None:
        """Wait for the appends that are under way."""
        await self._tasks.wait(return_exceptions=True)

    async def _start(self, room: str, event: object, appending: Awaitable[Position]) -> Position:
        self._starting -= Counter((room,))  # drops a count of zero, unlike -= 1
        position = await appending
        await self._react(event, position)
        return position

    async def _append(
        self,
        room: str,
        encoded: Encoded,
        id: str | None,
        attempt: int | None,
        condition: Condition | None,
    ) -> Position:
        draft = draft_of(encoded)
        try:
            position = await self._broker.publish(room, draft, id=id, condition=condition)
        except BrokerUnavailable:
            self._excuse(room)
            raise
        self._observe(encoded.payload, attempt, position)
        return position
