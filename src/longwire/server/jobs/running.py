"""The jobs whose workers run in this process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, cast
from weakref import WeakSet

from longwire.background import BackgroundTasks
from longwire.catalog import JobCancel
from longwire.errors import InvalidEvent, LongwireError
from longwire.jobs import Job
from longwire.prepared import PreparedMessage
from longwire.schema import Contract, declaration_of
from longwire.server.jobs.registry import ROOM_PREFIX
from longwire.server.rooms.hub import Hub
from longwire.server.rooms.room import Listener

_CANCEL: Final = declaration_of(JobCancel).name

# Seconds until a failed attempt to listen to a room is repeated.
LISTEN_AGAIN = 0.25


class RunningJobs:
    """Delivers requests to cancel to the workers of this process, and interrupts them on shutdown.

    Args:
        hub: the rooms of this node.
        contract: decodes the requests.
        start: starts the server unless it is running.
    """

    def __init__(self, hub: Hub, contract: Contract, start: Callable[[], Awaitable[None]]) -> None:
        self._hub = hub
        self._contract = contract
        self._start = start
        self._jobs: WeakSet[Job] = WeakSet()
        self._listening: Counter[str] = Counter()
        self._tasks = BackgroundTasks()

    def add(self, job: Job) -> Job:
        """Have `close` interrupt this job if it is running then; return it."""
        self._jobs.add(job)
        return job

    def is_running(self, job_id: str) -> bool:
        """Return whether a worker of this process listens for requests to cancel this job."""
        return job_id in self._listening

    def listen(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` for each request from now on; return an undo.

        While the broker is unavailable, listening is retried in the background.
        """

        def listener(message: PreparedMessage) -> None:
            if message.event == _CANCEL:
                with suppress(InvalidEvent):  # it was published under another contract
                    callback(cast("JobCancel", self._contract.decode(_CANCEL, message.data)))

        stopped = asyncio.Event()

        def stop() -> None:
            if not stopped.is_set():
                stopped.set()
                self._listening -= Counter((job_id,))  # drops a count of zero, unlike -= 1

        self._listening[job_id] += 1
        self._tasks.start(self._listen_until(stopped, ROOM_PREFIX + job_id, listener))
        return stop

    async def close(self) -> None:
        """Interrupt the running jobs, wait until they have ended, and stop listening."""
        await asyncio.gather(*[job.interrupt() for job in self._jobs])
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def _listen_until(self, stopped: asyncio.Event, room: str, listener: Listener) -> None:
        while not stopped.is_set():
            try:
                await self._start()
                await self._hub.listen(room, listener)
            except LongwireError:  # the job's own publications raise the same error in its body
                await asyncio.sleep(LISTEN_AGAIN)
            else:
                await stopped.wait()
        await self._hub.unlisten(room, listener)
