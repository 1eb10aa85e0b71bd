"""The jobs whose workers run in this process, and what they have to hear from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakSet

from longwire.background import BackgroundTasks
from longwire.catalog import JobCancel
from longwire.errors import LongwireError
from longwire.schema import declaration_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.jobs import Job
    from longwire.prepared import PreparedMessage
    from longwire.schema import Contract
    from longwire.server.rooms.hub import Hub
    from longwire.server.rooms.room import Listener

_CANCEL: Final = declaration_of(JobCancel).name

# Seconds until a room that could not be listened to is tried again.
LISTEN_AGAIN = 0.25


class RunningJobs:
    """Tells workers that somebody, on whatever node, asked their job to stop; or that we do.

    Args:
        hub: the rooms of this node.
        contract: how a request reads.
        start: starts the server, unless it runs already.
    """

    def __init__(self, hub: Hub, contract: Contract, start: Callable[[], Awaitable[None]]) -> None:
        self._hub = hub
        self._contract = contract
        self._start = start
        self._jobs: WeakSet[Job] = WeakSet()
        self._tasks = BackgroundTasks()

    def add(self, job: Job) -> Job:
        """Interrupt this job, too, if it runs when the server stops."""
        self._jobs.add(job)
        return job

    def listen(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call back for each request, as soon as the log can be reached; return the undo."""

        def listener(message: PreparedMessage) -> None:
            if message.event == _CANCEL:
                callback(cast("JobCancel", self._contract.decode(_CANCEL, message.data)))

        stopped = asyncio.Event()
        self._tasks.start(self._listen_until(stopped, f"job:{job_id}", listener))
        return stopped.set

    async def close(self) -> None:
        """Interrupt the jobs that run, and hear nothing more."""
        await asyncio.gather(*[job.interrupt() for job in self._jobs])
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def _listen_until(self, stopped: asyncio.Event, room: str, listener: Listener) -> None:
        while not stopped.is_set():
            try:
                await self._start()
                await self._hub.listen(room, listener)
            except LongwireError:  # who publishes to that room is told why
                await asyncio.sleep(LISTEN_AGAIN)
            else:
                await stopped.wait()
        await self._hub.unlisten(room, listener)
