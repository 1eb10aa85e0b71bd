"""Publishes continuously while servers, connections and logs fail."""

from __future__ import annotations

import asyncio
import itertools

from longwire import WebSocketClient
from longwire.catalog import Announcement, JobOutput, JobProgress
from longwire.schema import Event
from longwire.testing import History

AT_ONCE = 32
ROOM = "job:survivor"


def event(number: int) -> Event:
    """Return an event of each kind in turn: joined text, superseded state, and neither."""
    match number % 3:
        case 0:
            return JobOutput(job_id="survivor", chunk=f"{number} ")
        case 1:
            return JobProgress(job_id="survivor", progress=50, current_step=str(number))
        case _:
            return Announcement(message=str(number), level="info")


class Load:
    """Publishes until `stop`, with `AT_ONCE` unacknowledged events at a time."""

    def __init__(self, history: History, worker: WebSocketClient) -> None:
        self._history = history
        self._worker = worker
        self._stopped = False
        self._acknowledged = 0
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        room, slots = ROOM, asyncio.Semaphore(AT_ONCE)

        async def publish(number: int) -> None:
            async with self._progress:
                self._progress.notify_all()
            await self._history.publish(self._worker, event(number), room=room)
            self._acknowledged += 1
            slots.release()

        async with asyncio.TaskGroup() as publishing:
            for number in itertools.count():
                await slots.acquire()
                if self._stopped:
                    return
                publishing.create_task(publish(number))

    async def advance(self, count: int) -> None:
        """Wait until `count` more events were acknowledged."""
        wanted = self._acknowledged + count
        async with self._progress:
            await self._progress.wait_for(lambda: self._acknowledged >= wanted)

    def stop(self) -> None:
        self._stopped = True
