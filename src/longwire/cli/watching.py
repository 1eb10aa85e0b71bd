"""Following a job or a room for `longwire watch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from longwire.cli.connection import connected
from longwire.cli.settings import server_url, service_token
from longwire.cli.stopping import stopping
from longwire.cli.views import choose_watcher

if TYPE_CHECKING:
    from longwire.cli.views import Watcher
    from longwire.client import WebSocketClient

EXIT_CODES: Final = {"completed": 0, "failed": 1, "cancelled": 3}

JOB: Final = "job:"


async def watch_room(room: str, as_json: bool) -> int:
    """Show a room until its job ends or a signal comes; return the exit code."""
    job_id = room.removeprefix(JOB) if room.startswith(JOB) else None
    watcher = choose_watcher(room, job_id, as_json)
    with stopping() as stop:
        try:
            async with connected(server_url(), service_token()) as client:
                return await _follow(client, room, job_id, watcher)
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


async def _follow(client: WebSocketClient, room: str, job_id: str | None, watcher: Watcher) -> int:
    client.on_entry(watcher.receive)
    with watcher:
        if job_id is None:
            return await _stay(client, room)
        async with client.job(job_id) as job:
            async for _ in job:
                pass
            watcher.end(job.state)
            return EXIT_CODES[job.state.status]


async def _stay(client: WebSocketClient, room: str) -> int:
    await client.join_room(room)
    given_up: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def check(state: str) -> None:
        if state == "error" and client.error is not None and not given_up.done():
            given_up.set_exception(client.error)

    client.on_state_change(check)
    return await given_up
