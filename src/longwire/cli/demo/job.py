"""The job of `longwire demo`: the text files below a directory."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import click

from longwire.cli.demo.text_analysis import Analysis, find_files, read_file
from longwire.cli.embedded_server import listening, make_server
from longwire.cli.settings import DEFAULT_HOST, durable_broker, ensure_secret, watch_command
from longwire.cli.signals import stopping
from longwire.cli.signing import sign_token
from longwire.server import jwt_authenticator

if TYPE_CHECKING:
    from pathlib import Path

    from longwire.jobs import Job
    from longwire.server import Server

# Whom the sign-in link signs in, and for how long.
USER: Final = "demo"
SIGNED_IN_FOR: Final = 86_400.0

# Without --exit somebody watches: the files are read no faster than they can follow.
_FILE_PAUSE: Final = 0.05
_LONGEST_SHOW: Final = 30.0

_GUIDE = """\
A job reads every text file below {directory}. Watch it live:

    {url}/#token={token}

- Open it now or halfway: everything that you missed is there.
- Reload, or open it twice: nothing is lost, nothing comes twice.
- Press Cancel: the job stops here.
- In another terminal: {watch}
"""


async def demonstrate(directory: Path, leave: bool, ports: tuple[int, ...]) -> int:
    """Serve, run the job over the files below `directory`, and stay; return the exit code.

    Args:
        directory: where the files are.
        leave: end with the job, and do not slow it down for people to follow.
        ports: the first one of these that can be had.
    """
    secret = ensure_secret()

    def make(port: int) -> Server:
        return make_server(durable_broker("demo", port), jwt_authenticator(secret))

    with stopping() as stop:
        try:
            async with listening(make, DEFAULT_HOST, *ports) as (url, server):
                status = await _run_job(server, url, secret, directory, leave)
                if leave:
                    return 0 if status == "completed" else 1
                click.echo(f"The job is {status}. The server stays up: Ctrl-C ends it.")
                await _until_stopped()
                return 0
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


async def _until_stopped() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def _run_job(server: Server, url: str, secret: str, directory: Path, leave: bool) -> str:
    async with server.job(owner=USER, title=f"Text files of {directory.name}") as job:
        token = sign_token(secret, USER, ttl=SIGNED_IN_FOR)
        click.echo(
            _GUIDE.format(
                directory=directory, url=url, token=token, watch=watch_command(url, job.id)
            )
        )
        await analyse(job, directory, show=0.0 if leave else _LONGEST_SHOW)
    return "cancelled" if job.cancelled else "completed"


async def analyse(job: Job, directory: Path, show: float) -> None:
    """Read the text files below a directory as the work of a job.

    Args:
        job: it hears a line about every file, how far the work is in bytes, and the summary.
        directory: where to look.
        show: at most how many seconds to spend on letting people follow.
    """
    files = await asyncio.to_thread(find_files, directory)
    pause = min(_FILE_PAUSE, show / max(len(files), 1))
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
