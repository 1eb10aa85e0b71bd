"""`longwire watch`: a job or a room, live."""

from __future__ import annotations

import click


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
    import asyncio

    from longwire.cli.watching import JOB, watch_room

    room = job_or_room if _is_room(job_or_room) else JOB + job_or_room
    return asyncio.run(watch_room(room, as_json))


def _is_room(name: str) -> bool:
    return ":" in name or name == "global"
