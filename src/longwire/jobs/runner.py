"""Run a command as the body of a job: what it prints streams, its exit code decides.

    async with Job(host, title="make") as job:
        code = await run_command(job, ["make", "-j2"])

The command writes to pipes, not to a terminal: bytes arrive as it wrote them, and stdout and stderr
stay apart. Python programs are told not to buffer (`PYTHONUNBUFFERED`). It is the leader of a
session of its own, so that it can be stopped together with its children.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

from longwire.errors import LongwireError
from longwire.jobs.progress_lines import ProgressScanner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from longwire.jobs.job import Job
    from longwire.jobs.progress_lines import ProgressLine

    Tee = Callable[[int, bytes], Awaitable[None]]

STDOUT: Final = 1
STDERR: Final = 2

# Between TERM and KILL: time to remove temporary files, not to finish the work.
GRACE: Final = 5.0

# A command may exit before those that write in its name (`exec > >(tee log)`); they are heard out
# until they have been silent for so long. A daemon that it leaves behind is not waited for.
LINGER: Final = 1.0

READ_SIZE: Final = 65_536

# How often a stopped process group is looked at: there is nothing to wait on for grandchildren.
_LOOK_AGAIN: Final = 0.02


class CommandNotStarted(LongwireError):
    """The command could not be started.

    Attributes:
        code: `command_not_found` or `command_not_executable`.
        exit_code: what a shell would exit with: 127 or 126.
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
        code: its exit code; 128 + n if it died of signal n, as a shell has it.
        signal: the signal that it died of, if any.
    """

    code: int
    signal: int | None = None


async def run_command(
    job: Job, argv: Sequence[str], *, tee: Tee | None = None, grace: float = GRACE
) -> int:
    """Run a command as a job: `stream_command`, then `end_by_exit`; return the exit code."""
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
    """Run a command and stream what it prints; the job goes on.

    Output is decoded as UTF-8; a character is never cut in two, and what is no UTF-8 becomes
    U+FFFD. Progress that it prints (see `progress_lines`) becomes the job's. When the job is
    cancelled, the command and its children get TERM and, after `grace` seconds or a second
    cancellation, KILL. A command outlives a host that refuses what it prints: it runs to its end,
    and the job's next call says what was refused.

    Args:
        job: a job that was entered and has not ended.
        argv: the command and its arguments; no shell is involved.
        tee: is awaited with the stream (1 stdout, 2 stderr) and the bytes, before they are
            published. When it raises `BrokenPipeError` that stream is closed, as it would be
            without this function in between.
        grace: seconds between TERM and KILL.
        on_start: is called with the process group of the command and its children.

    Raises:
        CommandNotStarted: there is no such command, or it cannot be executed.
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
        await _hear_out(pumps, command)
    return CommandExit(status) if status >= 0 else CommandExit(128 - status, -status)


async def end_by_exit(job: Job, exit: CommandExit) -> None:
    """End the job as its command ended.

    Exit code 0 completes it with `metrics.exitCode`; any other fails it with the code `exit_<n>`,
    a signal with `signal_<name>`, such as `signal_kill`.
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
    """Wait for one task, unless another one fails before."""
    while not until.done():
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


class _Command:
    """A started command: its exit, its pipes, and the means to stop it with its children."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stdout: _Pipe,
        stderr: _Pipe,
    ) -> None:
        self.group = process.pid  # a session's leader leads a process group of the same number
        self.exited = asyncio.create_task(process.wait())
        self.stdout = stdout
        self.stderr = stderr

    @property
    def reads(self) -> int:
        """How often the command was heard."""
        return self.stdout.reads + self.stderr.reads

    async def stop(self, grace: float) -> None:
        """TERM to the whole group, KILL to what is left of it."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a stopped process takes TERM only when it goes on
        try:
            async with asyncio.timeout(grace):
                await self._until_gone()
        except TimeoutError:
            pass
        finally:
            self._signal(signal.SIGKILL)
            await asyncio.shield(self.exited)

    async def _until_gone(self) -> None:
        while self._signal(0):  # noqa: ASYNC110 - nobody tells when a grandchild is gone
            await asyncio.sleep(_LOOK_AGAIN)

    def _signal(self, number: int) -> bool:
        try:
            os.killpg(self.group, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # what is left of the group changed its user
            return False
        return True


class _Pipe:
    """The reading end of one of the command's streams."""

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
    """Carries one stream of the command to the terminal and to the job."""

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
            self._is_refused = True  # the job says it again when the command has ended


async def _hear_out(pumps: list[asyncio.Task[None]], command: _Command) -> None:
    """Let the pumps reach the end of their streams, or a silence."""
    waiting, is_silent = set(pumps), False
    while waiting and not is_silent:
        heard = command.reads
        _, waiting = await asyncio.wait(waiting, timeout=LINGER)
        is_silent = command.reads == heard
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
    """Return the reading end, and the descriptor of the writing end."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=READ_SIZE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    return _Pipe(transport, reader), writing
