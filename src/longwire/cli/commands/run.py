"""`longwire run`: any command as a live job."""

from __future__ import annotations

import shlex
from typing import Final

import click

from longwire.cli.options import UserName
from longwire.cli.settings import DEFAULT_URL, running_server

_MAX_TITLE: Final = 200


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--server",
    metavar="URL",
    help=f"By default LONGWIRE_URL, else what runs at {DEFAULT_URL}, else one for this command.",
)
@click.option("--job-id", help="The job's name; a random one by default.")
@click.option("--title", help="What people see; the command itself by default.")
@click.option("--owner", type=UserName(), help="Whose job it is; everyone's by default.")
@click.argument("command", nargs=-1, required=True, type=click.Path(readable=False))
def run(
    server: str | None,
    job_id: str | None,
    title: str | None,
    owner: str | None,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND as a live job.

    What the command prints is the job's output and still appears here; percent figures and bars
    in it are the job's progress. Where to watch it is said first, on stderr.

    The command writes to pipes, not to a terminal, and PYTHONUNBUFFERED is set for it. stdin is
    the command's. A server that goes away, or comes back, does not disturb it.

    The exit code is the command's: 127 if there is no such command, 126 if it cannot be executed,
    128 + n if it died of signal n, 130 after Ctrl-C, 143 when the job was cancelled.

    Ctrl-C and job:cancel stop the command and its children: TERM, and KILL five seconds later or
    at the second Ctrl-C. Ctrl-Z stops both until fg or bg.

    \b
      longwire run -- pytest -q
      longwire run --title "Nightly backup" --owner ada -- ./backup.sh
    """
    import asyncio

    from longwire.cli.run_job import run_command_as_job

    title = (title or shlex.join(command))[:_MAX_TITLE]
    title = title.encode(errors="backslashreplace").decode()  # a file's name may be no UTF-8
    url = server or running_server()
    return asyncio.run(run_command_as_job(url, job_id, title, owner, command))
