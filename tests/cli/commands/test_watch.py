"""`longwire watch`: what it shows, when it exits, and that it loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import LONGWIRE, Longwire
from tests.serving import SECRET, ServerProcess

REASON = "a long reason, " * 10 + "on one line"


async def publish(server: ServerProcess, job_id: str, name: str, **data: Any) -> None:
    await server.publish(name, {"jobId": job_id, **data})


async def publish_finished_job(server: ServerProcess, job_id: str, end: str) -> None:
    await publish(server, job_id, "job:created", title="A job")
    await publish(server, job_id, "job:status", status="running")
    await publish(server, job_id, "job:output", chunk="text\n\x1b[2Jno end", isComplete=False)
    if end == "completed":
        await publish(server, job_id, "job:completed", result={}, cost=0, duration=1.5)
    elif end == "failed":
        await publish(server, job_id, "job:failed", error=REASON, retryable=False)
    else:
        await publish(server, job_id, "job:status", status="cancelled")


@pytest.mark.parametrize(
    ("end", "code", "message"),
    [
        ("completed", 0, "completed after 1.5 s"),
        ("failed", 1, f"failed: {REASON}"),
        ("cancelled", 3, "cancelled"),
    ],
)
async def test_ends_with_the_job(
    longwire: Longwire, running_server: ServerProcess, end: str, code: int, message: str
) -> None:
    job_id = f"watch-{end}"
    await publish_finished_job(running_server, job_id, end)
    for name in (job_id, f"job:{job_id}"):
        ended = await asyncio.to_thread(longwire.run, "watch", name)
        assert ended.returncode == code
        assert ended.stdout == b"text\n\x1b[2Jno end"
        assert ended.stderr.decode() == f"job {job_id} {message}\n"


async def test_json_lines_for_scripts(longwire: Longwire, running_server: ServerProcess) -> None:
    await publish_finished_job(running_server, "watch-json", "completed")
    ended = await asyncio.to_thread(longwire.run, "watch", "watch-json", "--json")
    assert (ended.returncode, ended.stderr) == (0, b"")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["event"] for line in lines] == [
        "job:created",
        "job:status",
        "job:output",
        "job:completed",
    ]
    assert {line["room"] for line in lines} == {"job:watch-json"}
    assert [line["offset"] for line in lines] == [1, 2, 3, 4]
    assert lines[2]["data"]["chunk"] == "text\n\x1b[2Jno end"
    assert set(lines[0]) == {"event", "room", "offset", "data"}


async def test_waits_for_a_job_that_does_not_exist_yet(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    with longwire.start("watch", "watch-later", "--json") as watch:
        await publish(running_server, "watch-later", "job:status", status="running")
        line = json.loads(await asyncio.to_thread(watch.line))
        assert line["data"]["status"] == "running"
        await publish(running_server, "watch-later", "job:failed", error="x", retryable=True)
        assert (await asyncio.to_thread(watch.end))[0] == 1


async def test_reports_that_a_room_has_no_events_yet(longwire: Longwire) -> None:
    with longwire.start("watch", "watch-mistyped") as watch:
        message = (await asyncio.to_thread(watch.stderr.readline)).decode()
        assert message == (
            "longwire: no events in job:watch-mistyped yet, waiting; press Ctrl-C to stop\n"
        )
        watch.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(watch.end) == (130, "", "")


@pytest.mark.parametrize("options", [[], ["--json"]])
async def test_exits_when_stdout_is_closed_while_the_job_runs(
    longwire: Longwire, running_server: ServerProcess, options: list[str]
) -> None:
    job_id = f"watch-head{len(options)}"
    await publish(running_server, job_id, "job:output", chunk="1\n", isComplete=False)
    with longwire.start("watch", job_id, *options) as watch:
        assert await asyncio.to_thread(watch.line)
        watch.stdout.close()
        while watch.process.poll() is None:
            await publish(running_server, job_id, "job:output", chunk="2\n", isComplete=False)
        assert watch.process.returncode == 141
        assert watch.stderr.read() == b""


def test_a_full_disk_is_reported_on_one_line(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    longwire.output("run", "--job-id", "watch-full", "--", "echo", "text")
    for arguments in (["watch", "watch-full"], ["watch", "watch-full", "--json"], ["--help"]):
        with Path("/dev/full").open("wb") as full:
            ended = subprocess.run(
                [*LONGWIRE, *arguments],
                env=longwire.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
                timeout=15,
            )
        assert ended.returncode == 1
        assert ended.stderr.endswith(b"longwire: No space left on device\n")
        assert b"Exception" not in ended.stderr


async def test_the_end_of_an_earlier_attempt_does_not_end_the_watch(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await publish_finished_job(running_server, "watch-again", "failed")
    await publish(running_server, "watch-again", "job:created", attempt=2)
    with longwire.start("watch", "watch-again", "--json") as watch:
        while json.loads(await asyncio.to_thread(watch.line))["event"] != "job:created":
            pass
        await publish(running_server, "watch-again", "job:completed", result={}, cost=0, duration=1)
        assert (await asyncio.to_thread(watch.end))[0] == 0


async def test_shows_any_room_until_ctrl_c(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    metrics = {"impressions": 1, "clicks": 2, "conversions": 3, "cost": 4, "roi": 5}
    with longwire.start("watch", "campaign:9") as watch:
        await running_server.publish("campaign:metrics", {"campaignId": "9", "metrics": metrics})
        line = await asyncio.to_thread(watch.line)
        assert "campaign:metrics" in line
        assert '"clicks":2' in line
        watch.process.send_signal(signal.SIGINT)
        code, _, message = await asyncio.to_thread(watch.end)
    assert (code, message) == (130, "")


async def test_a_user_may_watch_their_own_job(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await publish(running_server, "watch-mine", "job:created", owner="ada")
    await publish(running_server, "watch-mine", "job:status", status="cancelled")
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    assert (await asyncio.to_thread(longwire.run, "watch", "watch-mine")).returncode == 3
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("bob")
    code, message = await asyncio.to_thread(longwire.failure, "watch", "watch-mine")
    assert (code, message) == (1, "not allowed in room 'job:watch-mine'")


@pytest.mark.timeout(60)  # the fifth attempt to reconnect may be 30 s after the first
async def test_resumes_after_a_server_restart(tmp_path: Path) -> None:
    with ServerProcess(f"--broker=sqlite:///{tmp_path / 'log.db'}") as server:
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_URL=server.url)
        with longwire.start("watch", "42") as watch:
            await publish(server, "42", "job:output", chunk="one\n", isComplete=False)
            assert await asyncio.to_thread(watch.line) == "one"
            server.kill()
            message = await asyncio.to_thread(watch.stderr.readline)
            assert message == b"longwire: connection lost, reconnecting; press Ctrl-C to stop\n"
            server.start()
            await publish(server, "42", "job:output", chunk="two\n", isComplete=False)
            await publish(server, "42", "job:completed", result={}, cost=0, duration=1)
            code, out, _ = await asyncio.to_thread(watch.end, 45)
    assert (code, out) == (0, "two\n")


async def on_a_terminal(longwire: Longwire, *arguments: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; return its exit code and what the terminal shows."""
    controller, terminal = pty.openpty()
    try:
        ended = await asyncio.to_thread(
            subprocess.run,
            [*LONGWIRE, *arguments],
            env=longwire.environment | {"TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            check=False,
            timeout=15,
        )
        return ended.returncode, os.read(controller, 100_000).decode()
    finally:
        os.close(controller)
        os.close(terminal)


async def test_output_on_a_terminal_cannot_clear_the_screen(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await publish_finished_job(running_server, "watch-tty", "completed")
    code, shown = await on_a_terminal(longwire, "watch", "watch-tty")
    assert code == 0
    assert "text\r\n" in shown
    assert "no end" in shown
    assert "completed after 1.5 s" in shown
    assert "\x1b[2J" not in shown


async def test_output_on_a_terminal_keeps_colours_and_no_other_escapes(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    evil = "\x1bc \x9b2J \x1b]0;title\x07 \x1bP+q\x1b\\\\ \x1b(0 \x07"
    await publish(running_server, "watch-evil", "job:status", status="running")
    await publish(
        running_server, "watch-evil", "job:progress", progress=1, currentStep=f"step {evil}"
    )
    chunk = f"\x1b[31mred\x1b[0m {evil} end\n"
    await publish(running_server, "watch-evil", "job:output", chunk=chunk, isComplete=False)
    await publish(running_server, "watch-evil", "job:failed", error=f"x {evil} y", retryable=False)
    _, shown = await on_a_terminal(longwire, "watch", "watch-evil")
    assert "\x1b[31mred\x1b[0m" in shown
    for sequence in ("\x1bc", "\x9b", "\x1b]", "title", "\x1bP", "\x1b(", "\x07"):
        assert sequence not in shown


async def test_output_on_a_terminal_handles_crlf_line_ends(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    for chunk in ("one\r\ntw", "o\r", "\nold\rnew", "er\n"):
        await publish(running_server, "watch-crlf", "job:output", chunk=chunk, isComplete=False)
    await publish(running_server, "watch-crlf", "job:completed", result={}, cost=0, duration=1)
    _, shown = await on_a_terminal(longwire, "watch", "watch-crlf")
    for line in ("one\r\n", "two\r\n", "newer\r\n"):
        assert line in shown
    assert "old" not in shown


def test_a_reader_that_closes_the_pipe_is_not_an_error(longwire: Longwire) -> None:
    watch = subprocess.run(
        ["sh", "-c", 'exec 3>&1; { "$@"; echo "$?" >&3; } | true', "sh", *LONGWIRE, "types"],
        env=longwire.environment,
        capture_output=True,
        check=False,
        timeout=15,
    )
    assert watch.stderr == b""
    assert watch.stdout.strip() in (b"0", b"141")
