"""`longwire watch`: what it shows, when it ends, and that it loses nothing."""

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


async def publish(server: ServerProcess, job_id: str, name: str, **data: Any) -> None:
    await server.publish(name, {"jobId": job_id, **data})


async def finished(server: ServerProcess, job_id: str, end: str) -> None:
    await publish(server, job_id, "job:created", title="A job")
    await publish(server, job_id, "job:status", status="running")
    await publish(server, job_id, "job:output", chunk="text\n\x1b[2Jno end", isComplete=False)
    if end == "completed":
        await publish(server, job_id, "job:completed", result={}, cost=0, duration=1.5)
    elif end == "failed":
        await publish(server, job_id, "job:failed", error="boom", retryable=False)
    else:
        await publish(server, job_id, "job:status", status="cancelled")


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("completed", 0, "completed after 1.5 s"),
        ("failed", 1, "failed: boom"),
        ("cancelled", 3, "cancelled"),
    ],
)
async def test_ends_with_the_job(
    longwire: Longwire, running_server: ServerProcess, end: str, code: int, said: str
) -> None:
    job_id = f"watch-{end}"
    await finished(running_server, job_id, end)
    for name in (job_id, f"job:{job_id}"):
        ended = await asyncio.to_thread(longwire.run, "watch", name)
        assert ended.returncode == code
        assert ended.stdout == b"text\n\x1b[2Jno end"
        assert ended.stderr.decode() == f"job {job_id} {said}\n"


async def test_json_lines_for_scripts(longwire: Longwire, running_server: ServerProcess) -> None:
    await finished(running_server, "watch-json", "completed")
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


async def test_waits_for_a_job_that_is_not_there_yet(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    with longwire.start("watch", "watch-later", "--json") as watch:
        await publish(running_server, "watch-later", "job:status", status="running")
        line = json.loads(await asyncio.to_thread(watch.line))
        assert line["data"]["status"] == "running"
        await publish(running_server, "watch-later", "job:failed", error="x", retryable=True)
        assert (await asyncio.to_thread(watch.end))[0] == 1


async def test_an_old_end_is_not_the_end_of_a_new_attempt(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await finished(running_server, "watch-again", "failed")
    await publish(running_server, "watch-again", "job:created", attempt=2)
    with longwire.start("watch", "watch-again", "--json") as watch:
        while json.loads(await asyncio.to_thread(watch.line))["event"] != "job:created":
            pass
        await publish(running_server, "watch-again", "job:completed", result={}, cost=0, duration=1)
        assert (await asyncio.to_thread(watch.end))[0] == 0


async def test_any_room_until_ctrl_c(longwire: Longwire, running_server: ServerProcess) -> None:
    metrics = {"impressions": 1, "clicks": 2, "conversions": 3, "cost": 4, "roi": 5}
    with longwire.start("watch", "campaign:9") as watch:
        await running_server.publish("campaign:metrics", {"campaignId": "9", "metrics": metrics})
        line = await asyncio.to_thread(watch.line)
        assert "campaign:metrics" in line
        assert '"clicks":2' in line
        watch.process.send_signal(signal.SIGINT)
        code, _, said = await asyncio.to_thread(watch.end)
    assert (code, said) == (130, "")


async def test_a_user_may_watch_with_a_token(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await publish(running_server, "watch-mine", "job:created", owner="ada")
    await publish(running_server, "watch-mine", "job:status", status="cancelled")
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    assert (await asyncio.to_thread(longwire.run, "watch", "watch-mine")).returncode == 3
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("bob")
    code, said = await asyncio.to_thread(longwire.refusal, "watch", "watch-mine")
    assert (code, said) == (1, "not allowed in room 'job:watch-mine'")


async def test_a_restarted_server_is_resumed(tmp_path: Path) -> None:
    with ServerProcess(f"--broker=sqlite:///{tmp_path / 'log.db'}") as server:
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_URL=server.url)
        with longwire.start("watch", "42") as watch:
            await publish(server, "42", "job:output", chunk="one\n", isComplete=False)
            assert await asyncio.to_thread(watch.line) == "one"
            server.kill()
            server.start()
            await publish(server, "42", "job:output", chunk="two\n", isComplete=False)
            await publish(server, "42", "job:completed", result={}, cost=0, duration=1)
            code, out, _ = await asyncio.to_thread(watch.end)
    assert (code, out) == (0, "two\n")


async def test_on_a_terminal_the_output_cannot_take_it_over(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    await finished(running_server, "watch-tty", "completed")
    ours, theirs = pty.openpty()
    try:
        ended = await asyncio.to_thread(
            subprocess.run,
            [*LONGWIRE, "watch", "watch-tty"],
            env=longwire.environment | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            check=False,
            timeout=15,
        )
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 0
    assert "text\r\n" in shown
    assert "no end" in shown
    assert "completed after 1.5 s" in shown
    assert "\x1b[2J" not in shown


def test_a_reader_that_goes_away_is_no_fault(longwire: Longwire) -> None:
    watch = subprocess.run(
        ["sh", "-c", 'exec 3>&1; { "$@"; echo "$?" >&3; } | true', "sh", *LONGWIRE, "types"],
        env=longwire.environment,
        capture_output=True,
        check=False,
        timeout=15,
    )
    assert watch.stderr == b""
    assert watch.stdout.strip() in (b"0", b"141")
