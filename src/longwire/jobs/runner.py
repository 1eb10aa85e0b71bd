"""Runs a command as a job: its output is streamed, and its exit code decides how the job ends.

    async with Job(host, title="make") as job:
        code = await run_command(job, ["make", "-j2"])

The command writes to pipes, not to a terminal, so its bytes arrive unchanged and stdout and stderr
stay separate. `PYTHONUNBUFFERED` keeps Python programs from buffering. The command leads its own
session, so that it can be stopped together with its children.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from longwire.errors import LongwireError
from longwire.jobs.job import Job
from longwire.jobs.progress_lines import ProgressLine, ProgressScanner

Tee = Callable[[int, bytes], Awaitable[None]]

STDOUT: Final = 1
STDERR: Final = 2

# Seconds between TERM and KILL: time to remove temporary files, not to finish the work.
GRACE: Final = 5.0

# A command may exit before other processes that write to its pipes (`exec > >(tee log)`). Their
# output is read until they have been silent for this many seconds: a daemon that the command left
# behind must not keep the job from ending.
LINGER: Final = 1.0

READ_SIZE: Final = 65_536

# Seconds between two checks whether a process group is gone: nothing can wait for grandchildren.
_POLL_INTERVAL: Final = 0.02


class CommandNotStarted(LongwireError):
    """The command could not be started.

    Attributes:
        code: `command_not_found` or `command_not_executable`.
        exit_code: the exit code that a shell would use: 127 or 126.
    """

    retryable = False

    def __init__(self, command: str, reason: OSError) -> None:
        found = not isinstance(reason, FileNotFoundError)
        super().__init__(f"{command}: {reason.strerror if found else 'command not found'}")
        self.code = "command_not_executable" if found else "command_not_found"
        self.exit_code = 126 if found else 127


class CommandExit(NamedTuple):
    """How a command ended.

    Attributes:
        code: its exit code; 128 + n if signal n killed it, as in a shell.
        signal: the signal that killed it, if any.
    """

    code: int
    signal: int | None = None


async def run_command(
    job: Job, argv: Sequence[str], *, tee: Tee | None = None, grace: float = GRACE
) -> int:
    """Run a command as a job with `stream_command` and `end_by_exit`; return the exit code."""
    exit = await stream_command(job, argv, tee=tee, grace=grace)
    await end_by_exit(job, exit)
    return exit.code


async def stream_command(
    job: Job,
    argv: Sequence[str],
    *,
    tee: Tee | None = None,
    grace: float = GRACE,
    on_start: Callable[[int], object] | None = None,
) -> CommandExit:
    """Run a command and stream its output without ending the job.

    Output is decoded as UTF-8. A character is never cut in two; bytes that are not UTF-8 become
    U+FFFD. Progress that the command prints (see `progress_lines`) is published as the job's. When
    the job is cancelled, the command and its children receive TERM and, after `grace` seconds or a
    second cancellation, KILL. If the host refuses output, the command still runs to its end, and
    the job's next call raises the host's error.

    Args:
        job: a job that was entered and has not ended.
        argv: the command and its arguments; no shell is involved.
        tee: awaited with the stream (1 stdout, 2 stderr) and the bytes before they are published.
            If it raises `BrokenPipeError`, that pipe of the command is closed, as if the command
            wrote to the broken pipe itself.
        grace: seconds between TERM and KILL.
        on_start: called with the process group of the command and its children.

    Raises:
        CommandNotStarted: the command does not exist or cannot be executed.
    """
    command = await _start(argv)
    if on_start is not None:
        on_start(command.group)
    pumps = [
        asyncio.create_task(pump.run())
        for pump in (
            _Pump(job, command.stdout, STDOUT, tee),
            _Pump(job, command.stderr, STDERR, tee),
        )
    ]
    try:
        await _first_failure({command.exited, *pumps}, until=command.exited)
        status = await command.exited
    except BaseException:
        await command.stop(grace)
        raise
    finally:
        await _drain(pumps, command)
    return CommandExit(status) if status >= 0 else CommandExit(128 - status, -status)


async def end_by_exit(job: Job, exit: CommandExit) -> None:
    """End the job according to how its command ended.

    Exit code 0 completes the job with `metrics.exitCode`. Any other fails it with the error code
    `exit_<n>`, a signal with `signal_<name>`, such as `signal_kill`.
    """
    if exit.signal is not None:
        name = _signal_name(exit.signal)
        word = name.removeprefix("SIG").removeprefix("signal ").lower()
        error = f"The command was killed by {name}."
        await job.fail(error, error_code=f"signal_{word}", retryable=False)
    elif exit.code:
        error = f"The command exited with status {exit.code}."
        await job.fail(error, error_code=f"exit_{exit.code}", retryable=False)
    else:
        await job.complete({"metrics": {"exitCode": 0}})


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a realtime signal has no name


async def _first_failure(
    tasks: set[asyncio.Task[int] | asyncio.Task[None]], until: asyncio.Task[int]
) -> None:
    """Wait for one task; raise the error of any other that fails before."""
    while not until.done():
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


class _Command:
    """A running command: its exit, its pipes, and how to stop it together with its children."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stdout: _Pipe,
        stderr: _Pipe,
    ) -> None:
        self.group = process.pid  # the leader of a session also leads a process group
        self.exited = asyncio.create_task(process.wait())
        self.stdout = stdout
        self.stderr = stderr

    @property
    def reads(self) -> int:
        """How many times output was read."""
        return self.stdout.reads + self.stderr.reads

    async def stop(self, grace: float) -> None:
        """Send TERM to the process group, and KILL to what is left of it after `grace` seconds."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a suspended process handles TERM only when resumed
        try:
            async with asyncio.timeout(grace):
                await self._wait_until_gone()
        except TimeoutError:
            pass
        finally:
            self._signal(signal.SIGKILL)
            await asyncio.shield(self.exited)

    async def _wait_until_gone(self) -> None:
        while self._signal(0):  # noqa: ASYNC110 - no event tells when grandchildren end
            await asyncio.sleep(_POLL_INTERVAL)

    def _signal(self, number: int) -> bool:
        try:
            os.killpg(self.group, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # the rest of the group runs as another user
            return False
        return True


class _Pipe:
    """The reading end of the command's stdout or stderr."""

    def __init__(self, transport: asyncio.ReadTransport, reader: asyncio.StreamReader) -> None:
        self._transport = transport
        self._reader = reader
        self.reads = 0

    async def read(self) -> bytes:
        data = await self._reader.read(READ_SIZE)
        self.reads += 1
        return data

    def close(self) -> None:
        self._transport.close()


class _Pump:
    """Copies one stream of the command to the terminal and to the job."""

    def __init__(self, job: Job, pipe: _Pipe, stream: int, tee: Tee | None) -> None:
        self._job = job
        self._pipe = pipe
        self._stream = stream
        self._tee = tee
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._scanner = ProgressScanner()
        self._shown: ProgressLine | None = None
        self._is_refused = False

    async def run(self) -> None:
        try:
            while data := await self._pipe.read():
                if self._tee is not None:
                    await self._tee(self._stream, data)
                await self._publish(self._decoder.decode(data))
        except BrokenPipeError:
            return
        finally:
            self._pipe.close()
        await self._publish(self._decoder.decode(b"", final=True))

    async def _publish(self, text: str) -> None:
        if not text or self._is_refused:
            return
        try:
            await self._job.output(text)
            shown = self._scanner.receive_text(text)
            if shown is not None and shown != self._shown:
                self._shown = shown
                await self._job.progress(shown.progress, shown.step)
        except LongwireError:
            self._is_refused = True  # the job's next call raises the error


async def _drain(pumps: list[asyncio.Task[None]], command: _Command) -> None:
    """Wait until the streams end or have been silent for `LINGER` seconds."""
    waiting, is_silent = set(pumps), False
    while waiting and not is_silent:
        reads = command.reads
        _, waiting = await asyncio.wait(waiting, timeout=LINGER)
        is_silent = command.reads == reads
    for pump in waiting:
        pump.cancel()
    await asyncio.gather(*pumps, return_exceptions=True)


async def _start(argv: Sequence[str]) -> _Command:
    environment = {"PYTHONUNBUFFERED": "1", **os.environ}
    stdout, stdout_end = await _open_pipe()
    stderr, stderr_end = await _open_pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=stdout_end, stderr=stderr_end, env=environment, start_new_session=True
        )
    except OSError as error:
        stdout.close()
        stderr.close()
        raise CommandNotStarted(argv[0], error) from error
    finally:
        os.close(stdout_end)
        os.close(stderr_end)
    return _Command(process, stdout, stderr)


async def _open_pipe() -> tuple[_Pipe, int]:
    """Return the reading end and the descriptor of the writing end."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=READ_SIZE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    return _Pipe(transport, reader), writing
