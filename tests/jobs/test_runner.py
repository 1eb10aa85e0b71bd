"""Real commands as jobs: their output, their exit codes, and how they are stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from longwire.catalog import JobOutput, JobProgress
from longwire.errors import RoomDenied
from longwire.jobs import Job, JobState
from longwire.jobs.runner import CommandNotStarted, end_by_exit, run_command, stream_command
from tests.jobs.recording import RecordingHost


@pytest.fixture
async def host() -> RecordingHost:
    return RecordingHost()


class Terminal:
    """Records what the user would see."""

    def __init__(self) -> None:
        self.shown: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}

    async def tee(self, stream: int, data: bytes) -> None:
        self.shown[stream] += data


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


async def run(host: RecordingHost, argv: list[str]) -> tuple[int, JobState]:
    async with Job(host, job_id="42") as job:
        code = await run_command(job, argv)
    return code, host.state("42")


def text_of(host: RecordingHost) -> str:
    return "".join(event.chunk for event in host.events if isinstance(event, JobOutput))


async def test_a_successful_command_completes_the_job(host: RecordingHost) -> None:
    terminal = Terminal()
    async with Job(host, job_id="42") as job:
        code = await run_command(job, ["sh", "-c", "echo out; echo err >&2"], tee=terminal.tee)
    state = host.state("42")
    assert code == 0
    assert state.status == "completed"
    assert state.result is not None
    assert state.result.metrics == {"exitCode": 0}
    assert terminal.shown == {1: b"out\n", 2: b"err\n"}
    assert sorted(text_of(host).splitlines()) == ["err", "out"]


async def test_output_is_not_changed(host: RecordingHost) -> None:
    made = python(
        r"""
        import sys
        text = "".join(f"{n} é 漢 🚀 \t\x1b[1m\r\n\r\x00" for n in range(30_000))
        data = text.encode()
        for start in range(0, len(data), 4097):
            sys.stdout.buffer.write(data[start:start + 4097])
            sys.stdout.buffer.flush()
        """
    )
    expected = "".join(f"{n} é 漢 🚀 \t\x1b[1m\r\n\r\x00" for n in range(30_000))
    await run(host, made)
    assert text_of(host) == expected


async def test_bytes_that_are_not_utf8_become_replacement_characters(host: RecordingHost) -> None:
    await run(host, ["printf", r"a\377b\342\202"])
    assert text_of(host) == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("script", "code", "error_code", "error"),
    [
        ("exit 3", 3, "exit_3", "exited with status 3"),
        ("exit 255", 255, "exit_255", "exited with status 255"),
        ("kill -KILL $$", 137, "signal_kill", "killed by SIGKILL"),
        ("kill -TERM $$", 143, "signal_term", "killed by SIGTERM"),
        ("kill -36 $$", 164, "signal_36", "killed by signal 36"),
    ],
)
async def test_a_failing_command_fails_the_job(
    host: RecordingHost, script: str, code: int, error_code: str, error: str
) -> None:
    exit_code, state = await run(host, ["sh", "-c", script])
    assert exit_code == code
    assert (state.status, state.error_code, state.retryable) == ("failed", error_code, False)
    assert error in (state.error or "")


@pytest.mark.parametrize(
    ("argv", "code", "exit_code"),
    [
        (["no-such-command-anywhere"], "command_not_found", 127),
        (["/"], "command_not_executable", 126),
        (["/etc/passwd"], "command_not_executable", 126),
    ],
)
async def test_a_command_that_cannot_start_fails_the_job(
    host: RecordingHost, argv: list[str], code: str, exit_code: int
) -> None:
    with pytest.raises(CommandNotStarted) as refused:
        await run(host, argv)
    assert refused.value.exit_code == exit_code
    assert argv[0] in str(refused.value)
    state = host.state("42")
    assert (state.status, state.error_code, state.retryable) == ("failed", code, False)


async def test_printed_progress_becomes_the_jobs_progress(host: RecordingHost) -> None:
    bar = python(
        """
        import sys
        for n in range(0, 101, 10):
            sys.stderr.write(f"\\rLoading: {n:3}%|{'█' * (n // 10):10}| {n}/100")
            sys.stderr.flush()
        sys.stderr.write("\\n")
        raise SystemExit(1)
        """
    )
    _, state = await run(host, bar)
    assert (state.progress, state.current_step) == (100, "Loading")
    shown = [event.progress for event in host.events if isinstance(event, JobProgress)]
    assert shown == sorted(shown)


async def test_python_does_not_buffer_its_output(host: RecordingHost) -> None:
    async def work() -> None:
        async with Job(host, job_id="42") as job:
            await run_command(job, python("print('now'); input()"))

    reading, writing = os.pipe()
    stdin = os.dup(0)
    os.dup2(reading, 0)
    try:
        task = asyncio.create_task(work())
        await host.until(lambda: text_of(host) == "now\n")
        os.write(writing, b"go on\n")
        await task
    finally:
        os.dup2(stdin, 0)
        for descriptor in (stdin, reading, writing):
            os.close(descriptor)
    assert host.state("42").status == "completed"


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_cancelling_stops_the_command_and_its_children(host: RecordingHost) -> None:
    script = "sh -c 'echo $$; trap \"\" TERM; while :; do sleep 0.05; done' & echo $$; wait"
    async with Job(host, job_id="42") as job:
        watching = asyncio.create_task(host.until(lambda: text_of(host).count("\n") == 2))
        watching.add_done_callback(lambda _: host.cancel("42", "enough"))
        await run_command(job, ["sh", "-c", script], grace=0.2)
    assert job.cancelled
    assert host.state("42").status == "cancelled"
    pids = [int(line) for line in text_of(host).split()]
    assert not any(is_alive(pid) for pid in pids)


async def test_output_after_term_is_published(host: RecordingHost) -> None:
    script = "trap 'echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    async with Job(host, job_id="42") as job:
        watching = asyncio.create_task(host.until(lambda: "ready" in text_of(host)))
        watching.add_done_callback(lambda _: host.cancel("42"))
        await run_command(job, ["sh", "-c", script])
    assert text_of(host).startswith("ready\n")
    assert text_of(host).endswith("stopped\n")


async def test_a_second_cancellation_kills_at_once(host: RecordingHost) -> None:
    async def work() -> None:
        async with Job(host, job_id="42") as job:
            script = "trap 'echo stubborn' TERM; echo $$; while :; do sleep 0.02; done"
            await run_command(job, ["sh", "-c", script], grace=1000)

    task = asyncio.create_task(work())
    await host.until(lambda: text_of(host) != "")
    host.cancel("42")
    await host.until(lambda: "stubborn" in text_of(host))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(int(text_of(host).split()[0]))
    assert host.state("42").status == "cancelled"


async def test_a_daemon_does_not_keep_the_job_from_ending(host: RecordingHost) -> None:
    code, state = await run(host, ["sh", "-c", "sleep 1000 & echo $!"])
    pid = int(text_of(host))
    assert (code, state.status) == (0, "completed")
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


async def test_output_of_children_after_the_exit_is_published(host: RecordingHost) -> None:
    await run(host, ["sh", "-c", "(sleep 0.2; echo late) & echo early"])
    assert text_of(host) == "early\nlate\n"


async def test_a_closed_terminal_closes_the_commands_pipe(
    host: RecordingHost,
) -> None:
    async def tee(stream: int, data: bytes) -> None:
        raise BrokenPipeError

    async with Job(host, job_id="42") as job:
        code = await run_command(job, ["yes"], tee=tee)
    assert code in (1, 128 + signal.SIGPIPE)
    assert host.state("42").status == "failed"


async def test_a_command_may_close_its_output_and_continue(host: RecordingHost) -> None:
    code, state = await run(host, ["sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"])
    assert (code, state.error_code) == (4, "exit_4")


async def test_a_command_outlives_a_host_that_refuses_its_output(host: RecordingHost) -> None:
    terminal = Terminal()
    code = None
    with pytest.raises(RoomDenied):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42") as job:
            host.faults.append(RoomDenied("job:42"))
            script = "echo one; sleep 0.1; echo two; sleep 0.1; echo three"
            exit = await stream_command(job, ["sh", "-c", script], tee=terminal.tee)
            code = exit.code
            await end_by_exit(job, exit)
    assert code == 0
    assert terminal.shown[1] == b"one\ntwo\nthree\n"
