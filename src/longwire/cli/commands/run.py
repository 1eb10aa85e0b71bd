"""`longwire run`: run a command as a live job."""

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
    help="Server to publish to. [default: $LONGWIRE_URL, else a server running at "
    f"{DEFAULT_URL}, else one embedded in this command]",
)
@click.option("--job-id", help="Id of the job. [default: a random id]")
@click.option("--title", help="Title of the job. [default: the command]")
@click.option(
    "--owner", type=UserName(), help="User who owns the job. [default: shared by all users]"
)
@click.argument("command", nargs=-1, required=True, type=click.Path(readable=False))
def run(
    server: str | None,
    job_id: str | None,
    title: str | None,
    owner: str | None,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND as a live job.

    The command's output is shown here and becomes the output of the job. Percentages and progress
    bars in it become the job's progress. The first line on stderr tells where to watch the job.

    The command runs with pipes instead of a terminal, with PYTHONUNBUFFERED set, and reads this
    command's stdin. It keeps running while the server is unreachable.

    The exit code is the command's: 127 if the command is not found, 126 if it cannot be executed,
    128 + n if signal n ended it, 130 after Ctrl-C, 143 if the job was cancelled.

    Ctrl-C and job:cancel send TERM to the command and its children, and KILL five seconds later
    or at the second Ctrl-C. Ctrl-Z suspends the command too, until fg or bg.

    \b
    Examples:
      longwire run -- pytest -q
      longwire run --title "Nightly backup" --owner ada -- ./backup.sh
    """
    import asyncio

    from longwire.cli.run_job import run_command_as_job

    title = (title or shlex.join(command))[:_MAX_TITLE]
    title = title.encode(errors="backslashreplace").decode()  # a file name may not be UTF-8
    url = server or running_server()
    return asyncio.run(run_command_as_job(url, job_id, title, owner, command))
