"""`longwire watch`: a job or a room, live."""

from __future__ import annotations

import click

from longwire.cli.options import SERVER
from longwire.cli.settings import server_url


@click.command()
@SERVER
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line an event, for scripts.")
@click.argument("job_or_room")
def watch(server: str | None, as_json: bool, job_or_room: str) -> int:
    """Show a job or a room live, from the beginning of what is kept.

    By default a server keeps the last 8 MiB and 24 hours of each; older output is not shown.

    JOB_OR_ROOM is a job's id (42), its room (job:42) or any other room (campaign:9, global). A
    job's output goes to stdout as it is, all else to stderr. With --json each event is one line
    {"event", "room", "offset", "data"}.

    A job's watch ends with the job: 0 completed, 1 failed, 3 cancelled. A room's ends with Ctrl-C.
    Dropped connections are resumed where they were. To watch changes nothing about the job.

    \b
      longwire watch 42 > output.txt
      longwire watch --json campaign:9 | jq .data.metrics
    """
    import asyncio

    from longwire.cli.watch_room import JOB, watch_room

    room = job_or_room if _is_room(job_or_room) else JOB + job_or_room
    return asyncio.run(watch_room(server or server_url(), room, as_json))


def _is_room(name: str) -> bool:
    return ":" in name or name == "global"
