"""`longwire watch`: a job or a room, live."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from longwire.cli.settings import server_url, service_token

if TYPE_CHECKING:
    from longwire.cli.watching import Watcher
    from longwire.client import WebSocketClient

EXIT_CODES: Final = {"completed": 0, "failed": 1, "cancelled": 3}

_JOB: Final = "job:"


@click.command()
@click.argument("job_or_room")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an event, for scripts.")
def watch(job_or_room: str, as_json: bool) -> int:
    """Show a job or a room live, from the beginning of what is kept.

    JOB_OR_ROOM is a job's id (42), its room (job:42) or any other room (campaign:9, global). A
    job's output goes to stdout as it is, all else to stderr. With --json each event is one line
    {"event", "room", "offset", "data"}.

    A job's watch ends with the job: 0 completed, 1 failed, 3 cancelled. A room's ends with Ctrl-C.
    Dropped connections are resumed where they were.
    """
    room = job_or_room if _is_room(job_or_room) else _JOB + job_or_room
    return asyncio.run(_watch(room, as_json))


def _is_room(name: str) -> bool:
    return ":" in name or name == "global"


async def _watch(room: str, as_json: bool) -> int:
    from longwire.cli.connection import connected
    from longwire.cli.stopping import stopping
    from longwire.cli.watching import choose_watcher

    job_id = room.removeprefix(_JOB) if room.startswith(_JOB) else None
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
