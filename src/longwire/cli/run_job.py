"""A command under way as a job, on a server elsewhere or in this process."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import click

from longwire.cli.complaint import complain
from longwire.cli.connection import connected
from longwire.cli.job_control import suspending
from longwire.cli.settings import DEFAULT_HOST, ensure_secret, watch_command
from longwire.cli.signals import stopping
from longwire.errors import LongwireError, UnknownEvent
from longwire.jobs import Job, JobHost
from longwire.jobs.runner import GRACE, CommandNotStarted, end_by_exit, stream_command

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from longwire.catalog import JobCancel
    from longwire.client import WebSocketClient
    from longwire.jobs.runner import CommandExit
    from longwire.schema import Event
    from longwire.server import Authenticator
    from longwire.types import Position

# A command that was cancelled got TERM: 128 + 15.
CANCELLED: Final = 143

# Ten pictures a second are enough for a bar.
_PROGRESS_INTERVAL: Final = 0.1

# A command that has ended does not keep its caller waiting for a server that is away.
_LAST_WORDS: Final = 60.0

# Nobody should wonder for longer what it waits for.
_PATIENCE: Final = 2.0
_WAITING: Final = "waiting for the server to take the end of the job; Ctrl-C gives up"

# Whom the link of an embedded server signs in, if the job is everyone's.
_USER: Final = "you"


async def run_command_as_job(
    url: str | None,
    job_id: str | None,
    title: str,
    owner: str | None,
    command: tuple[str, ...],
) -> int:
    """Run a command as a job and return the exit code of `longwire run`.

    Args:
        url: the server; without one the job runs on a server in this process.
        job_id: the job's name; a random one if None.
        title: what people see.
        owner: whose job it is; everyone's if None.
        command: the command and its arguments.
    """
    running = _Running()
    with stopping(running.interrupt) as stop:
        try:
            async with _host(url, owner) as host:
                job = Job(
                    host.publisher, job_id, owner, title, progress_interval=_PROGRESS_INTERVAL
                )
                await running.run(job, command, host)
        except CommandNotStarted as error:
            complain(error)
            return error.exit_code
        except UnknownEvent as error:
            complain(f"{url} has no jobs, its contract needs those of CATALOG: {error}")
            return 1
        except (asyncio.CancelledError, TimeoutError, LongwireError) as error:
            if running.exit is None and stop.signal is None:
                raise
            if running.job is not None:
                complain(f"the end of the job is not published: {str(error) or 'no answer'}")
    if running.exit is not None:
        return running.exit.code
    return stop.exit_code or CANCELLED


class _Running:
    """A command under way, and the ways to end it.

    Attributes:
        job: the job, once it has begun.
        exit: how the command ended, once it has.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.exit: CommandExit | None = None
        self._task = asyncio.current_task()
        self._command: asyncio.Task[CommandExit] | None = None
        self._limit = asyncio.timeout(None)
        self._notice: asyncio.TimerHandle | None = None

    def interrupt(self) -> None:
        """Stop the command, then kill it; if it has ended, do not wait for the server either."""
        if self.job is None or self._command is None or self._command.done():
            if self._task is not None:
                self._task.cancel()
        elif self.job.cancel_requested:
            self._command.cancel()
        else:
            self.job.cancel("Interrupted")
            self._hurry(GRACE + _PATIENCE)

    async def run(self, job: Job, command: tuple[str, ...], host: _Host) -> None:
        """Run the command as the job's work."""
        try:
            async with self._limit, job:
                self.job = job
                click.echo(f"longwire: {host.describe(job.id)}", err=True)
                with suspending(host.publisher, job.id) as follow:
                    self._command = asyncio.create_task(
                        stream_command(job, command, tee=_show, on_start=follow)
                    )
                    self.exit = await self._command
                self._hurry(_PATIENCE)
                await end_by_exit(job, self.exit)
        finally:
            self._forget_notice()

    def _hurry(self, patience: float) -> None:
        loop = asyncio.get_running_loop()
        self._limit.reschedule(loop.time() + _LAST_WORDS)
        self._forget_notice()
        self._notice = loop.call_later(patience, complain, _WAITING)

    def _forget_notice(self) -> None:
        if self._notice is not None:
            self._notice.cancel()


async def _show(stream: int, data: bytes) -> None:
    # A terminal that is paused, or a slow pipe, must not stop the job's signs of life.
    await asyncio.to_thread(_write, stream, data)


def _write(stream: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(stream, rest) :]
    except OSError as error:  # a terminal that was closed says EIO
        raise BrokenPipeError from error


class _Host(NamedTuple):
    """Where the job runs.

    Attributes:
        publisher: publishes for the job.
        url: the server's address.
        token: signs in whoever opens the page, on a server that nobody else knows. It is worth
            nothing elsewhere or later: what is said on stderr stays in logs.
    """

    publisher: JobHost
    url: str
    token: str | None = None

    def describe(self, job_id: str) -> str:
        """Return how to watch a job."""
        sign_in = f"/#token={self.token}&to=/jobs/{quote(job_id)}" if self.token else ""
        command = watch_command(self.url, job_id)
        return f"watch it live at {self.url}{sign_in} or with `{command}`"


@asynccontextmanager
async def _host(url: str | None, owner: str | None) -> AsyncGenerator[_Host]:
    if url is not None:
        async with connected(url) as client:
            yield _Host(_Publisher(client), url)
        return
    from longwire.cli.embedded_server import listening, make_server

    token = secrets.token_urlsafe()
    authenticate = _admitting(token, owner or _USER)
    async with listening(lambda _: make_server("memory:", authenticate), DEFAULT_HOST, 0) as (
        address,
        server,
    ):
        yield _Host(server, address, token)


def _admitting(link_token: str, user_id: str) -> Authenticator:
    """Return who takes one token for a user's, and all others for this machine's."""
    from longwire.server import Identity, jwt_authenticator

    verify = jwt_authenticator(ensure_secret())

    async def authenticate(token: str) -> Identity:
        if secrets.compare_digest(token.encode(), link_token.encode()):
            return Identity(user_id)
        return await verify(token)

    return authenticate


class _Publisher:
    """A client as a job's host, which tells when the client has given up."""

    def __init__(self, client: WebSocketClient) -> None:
        self._client = client

    def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        volatile: bool = False,
    ) -> Awaitable[Position]:
        """Publish; without a connection the event waits in the client's outbox."""
        if self._client.state == "error" and self._client.error is not None:
            raise self._client.error
        return self._client.publish(event, room=room, id=id, volatile=volatile)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Hear requests to cancel."""
        return self._client.on_cancel(job_id, callback)
