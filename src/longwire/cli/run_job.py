"""Runs a command as a job on a given server, or on one embedded in this process."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import click

from longwire.cli.connection import connect
from longwire.cli.job_control import handle_suspend
from longwire.cli.settings import DEFAULT_HOST, ensure_secret, watch_command
from longwire.cli.signals import handle_stop_signals
from longwire.cli.terminal import print_message
from longwire.errors import LongwireError, UnknownEvent
from longwire.jobs import Job, JobHost
from longwire.jobs.runner import GRACE, CommandNotStarted, end_by_exit, stream_command

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from longwire.catalog import JobCancel, JobCreated
    from longwire.client import WebSocketClient
    from longwire.jobs.runner import CommandExit
    from longwire.schema import Event
    from longwire.server import Authenticator
    from longwire.types import Position

# The exit code of a cancelled command, which received SIGTERM: 128 + 15.
CANCELLED: Final = 143

# A progress bar needs no more than ten updates per second.
_PROGRESS_INTERVAL: Final = 0.1

# Seconds to wait for an unreachable server after the command has ended.
_PUBLISH_TIMEOUT: Final = 60.0

# Seconds of silent waiting before the user is told what `run` waits for.
_NOTICE_AFTER: Final = 2.0
_WAITING: Final = "waiting for the server to record the job's result; press Ctrl-C to stop waiting"

# The user that the link of an embedded server signs in, if the job has no owner.
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
        url: the server; None runs one in this process.
        job_id: the job's id; None makes a random one.
        title: the job's title.
        owner: the user who owns the job; None shares it with every user.
        command: the command and its arguments.
    """
    running = _CommandRun()
    with handle_stop_signals(running.interrupt) as stop:
        try:
            async with _open_target(url, owner) as target:
                job = Job(target.host, job_id, owner, title, progress_interval=_PROGRESS_INTERVAL)
                await running.run(job, command, target)
        except CommandNotStarted as error:
            print_message(error)
            return error.exit_code
        except UnknownEvent as error:
            print_message(f"{url} does not support jobs: {error} (see longwire.CATALOG)")
            return 1
        except (asyncio.CancelledError, TimeoutError, LongwireError) as error:
            if running.exit is None and stop.signal is None:
                raise
            if running.job is not None:
                reason = str(error) or "the server did not respond"
                print_message(f"the job's result was not published: {reason}")
    if running.exit is not None:
        return running.exit.code
    return stop.exit_code or CANCELLED


class _CommandRun:
    """Runs one command, and stops it when a signal arrives.

    Attributes:
        job: the job, once it has started.
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
        """Terminate the command, then kill it; after its end, stop waiting for the server."""
        if self.job is None or self._command is None or self._command.done():
            if self._task is not None:
                self._task.cancel()
        elif self.job.cancel_requested:
            self._command.cancel()
        else:
            self.job.cancel("Interrupted")
            self._limit_wait(GRACE + _NOTICE_AFTER)

    async def run(self, job: Job, command: tuple[str, ...], target: _Target) -> None:
        """Run the command as the body of the job."""
        try:
            async with self._limit, job:
                self.job = job
                click.echo(f"longwire: {target.describe(job.id)}", err=True)
                with handle_suspend(target.host, job) as watch_group:
                    self._command = asyncio.create_task(
                        stream_command(job, command, tee=_show, on_start=watch_group)
                    )
                    self.exit = await self._command
                self._limit_wait(_NOTICE_AFTER)
                await end_by_exit(job, self.exit)
        finally:
            self._cancel_notice()

    def _limit_wait(self, notice_after: float) -> None:
        loop = asyncio.get_running_loop()
        self._limit.reschedule(loop.time() + _PUBLISH_TIMEOUT)
        self._cancel_notice()
        self._notice = loop.call_later(notice_after, print_message, _WAITING)

    def _cancel_notice(self) -> None:
        if self._notice is not None:
            self._notice.cancel()


async def _show(stream: int, data: bytes) -> None:
    # In a thread: a paused terminal or a slow pipe must not stop the job's heartbeat.
    await asyncio.to_thread(_write, stream, data)


def _write(stream: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(stream, rest) :]
    except OSError as error:  # a closed terminal fails with EIO
        raise BrokenPipeError from error


class _Target(NamedTuple):
    """The server that the job runs on.

    Attributes:
        host: publishes for the job.
        url: the server's URL.
        token: for the link to an embedded server's page. stderr may end up in a log, so the token
            is valid for this server only, and no longer than it runs.
    """

    host: JobHost
    url: str
    token: str | None = None

    def describe(self, job_id: str) -> str:
        """Return where to watch a job."""
        sign_in = f"/#token={self.token}&to=/jobs/{quote(job_id)}" if self.token else ""
        command = watch_command(self.url, job_id)
        return f"watch this job at {self.url}{sign_in} or with `{command}`"


@asynccontextmanager
async def _open_target(url: str | None, owner: str | None) -> AsyncGenerator[_Target]:
    if url is not None:
        async with connect(url) as client:
            yield _Target(_ClientHost(client), url)
        return
    from longwire.cli.embedded_server import make_server, run_server

    token = secrets.token_urlsafe()
    authenticate = _accept_link_token(token, owner or _USER)
    async with run_server(lambda _: make_server("memory:", authenticate), DEFAULT_HOST, 0) as (
        address,
        server,
    ):
        yield _Target(server, address, token)


def _accept_link_token(link_token: str, user_id: str) -> Authenticator:
    """Return an authenticator that maps `link_token` to `user_id`.

    It verifies every other token with this machine's secret.
    """
    from longwire.server import Identity, jwt_authenticator

    verify = jwt_authenticator(ensure_secret())

    async def authenticate(token: str) -> Identity:
        if secrets.compare_digest(token.encode(), link_token.encode()):
            return Identity(user_id)
        return await verify(token)

    return authenticate


class _ClientHost:
    """Publishes a job's events through a client; raises once the client has given up."""

    def __init__(self, client: WebSocketClient) -> None:
        self._client = client

    def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        attempt: int | None = None,
    ) -> Awaitable[Position]:
        """Publish an event; while disconnected, it waits in the client's outbox."""
        self._check()
        return self._client.publish(event, room=room, id=id, attempt=attempt)

    def start_attempt(self, created: JobCreated, *, id: str | None = None) -> Awaitable[int]:
        """Begin the next attempt of the job."""
        self._check()
        return self._client.start_attempt(created, id=id)

    def _check(self) -> None:
        if self._client.state == "error" and self._client.error is not None:
            raise self._client.error

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` when the job should be cancelled; return how to unsubscribe."""
        return self._client.on_cancel(job_id, callback)
