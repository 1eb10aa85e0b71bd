"""Shows a room for `longwire watch` until its job ends or a signal arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from longwire.cli.connection import connect
from longwire.cli.signals import handle_stop_signals
from longwire.cli.views import make_view

if TYPE_CHECKING:
    from longwire.cli.views import View
    from longwire.client import LogEntry, WebSocketClient

EXIT_CODES: Final = {"completed": 0, "failed": 1, "cancelled": 3}

JOB: Final = "job:"

# Seconds without output before the user is told why nothing appears.
_NOTICE_AFTER: Final = 2.0


async def watch_room(url: str, room: str, as_json: bool) -> int:
    """Show a room until its job ends or a signal arrives; return the exit code."""
    job_id = room.removeprefix(JOB) if room.startswith(JOB) else None
    view = make_view(room, job_id, as_json)
    with handle_stop_signals() as stop:
        try:
            async with connect(url) as client:
                return await _RoomWatch(client, room, view).run(job_id)
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


class _RoomWatch:
    """Passes a room's entries from the client to a view, and reports connection changes."""

    def __init__(self, client: WebSocketClient, room: str, view: View) -> None:
        loop = asyncio.get_running_loop()
        self._client = client
        self._room = room
        self._view = view
        self._failed: asyncio.Future[int] = loop.create_future()
        self._notice = loop.call_later(_NOTICE_AFTER, self._report_empty)
        self._is_disconnected = False
        client.on_entry(self._receive)
        client.on_state_change(self._handle_state)

    async def run(self, job_id: str | None) -> int:
        """Show the room; return the exit code once its job has ended.

        Raises:
            BrokenPipeError: the reader of stdout has gone away.
            LongwireError: access to the room is denied, or the client has given up reconnecting.
        """
        with self._view:
            watching = asyncio.ensure_future(
                self._watch_room() if job_id is None else self._watch_job(job_id)
            )
            try:
                await asyncio.wait((watching, self._failed), return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._notice.cancel()
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        return self._failed.result() if self._failed.done() else watching.result()

    async def _watch_room(self) -> int:
        await self._client.join_room(self._room)
        return await asyncio.shield(self._failed)

    async def _watch_job(self, job_id: str) -> int:
        async with self._client.job(job_id) as job:
            async for _ in job:
                pass
            self._view.end(job.state)
            return EXIT_CODES[job.state.status]

    def _receive(self, entry: LogEntry) -> None:
        if entry.room == self._room:
            self._notice.cancel()
        try:
            self._view.receive(entry)
        except OSError as error:  # the client logs what a callback raises, and continues
            self._fail(error)

    def _handle_state(self, state: str) -> None:
        if state == "error" and self._client.error is not None:
            self._fail(self._client.error)
        elif state == "reconnecting":
            self._notice.cancel()
            self._notice = asyncio.get_running_loop().call_later(_NOTICE_AFTER, self._report_loss)
        elif state == "connected":
            self._notice.cancel()
            if self._is_disconnected:
                self._is_disconnected = False
                self._view.notify("reconnected")

    def _report_loss(self) -> None:
        self._is_disconnected = True
        self._view.notify("connection lost, reconnecting; press Ctrl-C to stop")

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    def _report_empty(self) -> None:
        self._view.notify(f"no events in {self._room} yet, waiting; press Ctrl-C to stop")
