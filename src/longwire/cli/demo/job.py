"""Serves the web page and runs the demo's job: an analysis of a directory's text files."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import click

from longwire.cli.demo.text_analysis import Analysis, find_files, read_file
from longwire.cli.embedded_server import make_server, run_server
from longwire.cli.settings import DEFAULT_HOST, durable_broker, ensure_secret, watch_command
from longwire.cli.signals import handle_stop_signals
from longwire.server import jwt_authenticator
from longwire.tokens import issue_token

if TYPE_CHECKING:
    from pathlib import Path

    from longwire.jobs import Job
    from longwire.server import Server

# The user that the printed link signs in, and for how many seconds.
USER: Final = "demo"
LINK_TTL: Final = 86_400.0

# Without --exit the job pauses after each file, so that its progress can be followed: at most
# this many seconds for a file, and for all files together.
_FILE_PAUSE: Final = 0.05
_MAX_PAUSES: Final = 30.0

_GUIDE = """\
The job reads every text file in {directory}. Watch it live:

    {url}/#token={token}

- Open the link now or later: the page shows everything from the start.
- Reload it, or open it twice: no event is lost or repeated.
- Press Cancel: the job stops.
- Watch it in another terminal: {watch}
"""


async def run_demo(directory: Path, exit_with_job: bool, ports: tuple[int, ...]) -> int:
    """Serve the page, run the job over the files in `directory`, and return the exit code.

    Args:
        directory: where to look for text files.
        exit_with_job: return when the job ends, and run it without pauses.
        ports: ports to try in order.
    """
    secret = ensure_secret()

    def make(port: int) -> Server:
        return make_server(durable_broker("demo", port), jwt_authenticator(secret))

    with handle_stop_signals() as stop:
        try:
            async with run_server(make, DEFAULT_HOST, *ports) as (url, server):
                status = await _run_job(server, url, secret, directory, exit_with_job)
                if exit_with_job:
                    return 0 if status == "completed" else 1
                click.echo(f"The job is {status}. The server keeps running; Ctrl-C stops it.")
                await _until_stopped()
                return 0
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


async def _until_stopped() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def _run_job(
    server: Server, url: str, secret: str, directory: Path, exit_with_job: bool
) -> str:
    async with server.job(owner=USER, title=f"Text files in {directory.name}") as job:
        token = issue_token(secret, USER, ttl=LINK_TTL)
        click.echo(
            _GUIDE.format(
                directory=directory, url=url, token=token, watch=watch_command(url, job.id)
            )
        )
        await analyse(job, directory, max_pauses=0.0 if exit_with_job else _MAX_PAUSES)
    return "cancelled" if job.cancelled else "completed"


async def analyse(job: Job, directory: Path, max_pauses: float) -> None:
    """Read the text files in a directory as the body of a job.

    Args:
        job: receives a line of output for each file, its progress in bytes, and the summary.
        directory: where to look for text files.
        max_pauses: seconds to spend at most on pauses between files.
    """
    files = await asyncio.to_thread(find_files, directory)
    pause = min(_FILE_PAUSE, max_pauses / max(len(files), 1))
    total = sum(size for _, size in files)
    analysis = Analysis()
    done = 0
    for path, size in files:
        found = await asyncio.to_thread(read_file, path, directory)
        await job.output(analysis.add(found))
        done += size
        left = job.elapsed / done * (total - done)
        await job.progress(100 * done / total, path.name, estimated_completion=left)
        await asyncio.sleep(pause)
    metrics = analysis.metrics()
    await job.output("\n" + analysis.summary() + "\n", is_complete=True)
    await job.complete({"content": analysis.summary(), "metrics": metrics})
    click.echo(analysis.summary() + "\n")
