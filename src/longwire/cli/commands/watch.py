"""`longwire watch`: show a job or a room live."""

import click

from longwire.cli.options import SERVER
from longwire.cli.settings import server_url


@click.command()
@SERVER
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.argument("job_or_room")
def watch(server: str | None, as_json: bool, job_or_room: str) -> int:
    """Show a job or a room live, from the start of its retained log.

    By default a server retains the last 24 hours of a room, up to 8 MiB.

    JOB_OR_ROOM is a job's id (42), its room (job:42) or any other room (campaign:9, global). A
    job's output is written to stdout unchanged, everything else to stderr. With --json, each
    event is one line: {"event", "room", "offset", "data"}.

    Watching a job ends with the job; the exit code is 0 if it completed, 1 if it failed, 3 if it
    was cancelled. Watching a room ends with Ctrl-C. A dropped connection resumes where it was.

    \b
    Examples:
      longwire watch 42 > output.txt
      longwire watch --json campaign:9 | jq .data.metrics
    """
    import asyncio

    from longwire.cli.watch_room import JOB, watch_room

    room = job_or_room if _is_room(job_or_room) else JOB + job_or_room
    return asyncio.run(watch_room(server or server_url(), room, as_json))


def _is_room(name: str) -> bool:
    return ":" in name or name == "global"
