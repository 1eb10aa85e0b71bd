"""Following a job or a room for `longwire watch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from longwire.cli.connection import connected
from longwire.cli.signals import stopping
from longwire.cli.views import choose_watcher

if TYPE_CHECKING:
    from longwire.cli.views import Watcher
    from longwire.client import LogEntry, WebSocketClient

EXIT_CODES: Final = {"completed": 0, "failed": 1, "cancelled": 3}

JOB: Final = "job:"

# Nobody should wonder for longer why nothing is shown.
_PATIENCE: Final = 2.0


async def watch_room(url: str, room: str, as_json: bool) -> int:
    """Show a room until its job ends or a signal comes; return the exit code."""
    job_id = room.removeprefix(JOB) if room.startswith(JOB) else None
    watcher = choose_watcher(room, job_id, as_json)
    with stopping() as stop:
        try:
            async with connected(url) as client:
                return await _Watch(client, room, watcher).follow(job_id)
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


class _Watch:
    """A room on its way to a watcher."""

    def __init__(self, client: WebSocketClient, room: str, watcher: Watcher) -> None:
        loop = asyncio.get_running_loop()
        self._client = client
        self._room = room
        self._watcher = watcher
        self._failed: asyncio.Future[int] = loop.create_future()
        self._notice = loop.call_later(_PATIENCE, self._say_that_nothing_came)
        self._is_away = False
        client.on_entry(self._receive)
        client.on_state_change(self._check)

    async def follow(self, job_id: str | None) -> int:
        """Show the room; return the exit code when its job has ended.

        Raises:
            BrokenPipeError: nobody reads what is shown.
            LongwireError: the room may not be watched, or the server does not come back.
        """
        with self._watcher:
            following = asyncio.ensure_future(
                self._stay() if job_id is None else self._follow_job(job_id)
            )
            try:
                await asyncio.wait((following, self._failed), return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._notice.cancel()
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        return self._failed.result() if self._failed.done() else following.result()

    async def _stay(self) -> int:
        await self._client.join_room(self._room)
        return await asyncio.shield(self._failed)

    async def _follow_job(self, job_id: str) -> int:
        async with self._client.job(job_id) as job:
            async for _ in job:
                pass
            self._watcher.end(job.state)
            return EXIT_CODES[job.state.status]

    def _receive(self, entry: LogEntry) -> None:
        if entry.room == self._room:
            self._notice.cancel()
        try:
            self._watcher.receive(entry)
        except OSError as error:  # the client would go on without a handler that fails
            self._fail(error)

    def _check(self, state: str) -> None:
        if state == "error" and self._client.error is not None:
            self._fail(self._client.error)
        elif state == "reconnecting":
            self._notice.cancel()
            self._notice = asyncio.get_running_loop().call_later(_PATIENCE, self._say_away)
        elif state == "connected":
            self._notice.cancel()
            if self._is_away:
                self._is_away = False
                self._watcher.notify("connected again")

    def _say_away(self) -> None:
        self._is_away = True
        self._watcher.notify("the connection is lost; trying again, Ctrl-C ends")

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    def _say_that_nothing_came(self) -> None:
        self._watcher.notify(f"nothing is known of {self._room} yet; waiting for it, Ctrl-C ends")
