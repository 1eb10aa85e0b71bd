"""Faults that lose events or clients without any error are named in the log."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from longwire import Server, anonymous
from longwire.broker.memory import MemoryBroker
from longwire.server.lifecycle.splits import warn_of_split
from tests.server.lifecycle.test_readiness import application
from tests.server.raw_polling import RawPolling
from tests.serving import LONGWIRE, ServerProcess, serving

APP = """
from fastapi import FastAPI
from longwire import Server, anonymous
from longwire.integrations.fastapi import mount
app = FastAPI()
mount(app, Server(authenticate=anonymous))
"""


def until_line(process: subprocess.Popen[str], pattern: str) -> str:
    """Return the first line of stderr that matches; fail if the process ends before."""
    seen: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        seen.append(line)
        if re.search(pattern, line):
            return line
    raise AssertionError("".join(seen))


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`uvicorn --workers 2` of an application with its logs in memory."""
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port=0", "--workers=2"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.timeout(60)
def test_workers_with_logs_in_memory_are_reported(workers: subprocess.Popen[str]) -> None:
    """Half of the events were missing, and no line said why."""
    line = until_line(workers, "event logs in memory")
    assert "2 worker processes keep their event logs in memory" in line
    assert "RedisBroker" in line


def test_one_worker_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_split(MemoryBroker(), 1)
    assert not caplog.text


async def test_sessions_of_another_node_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Without sticky sessions, clients that poll tried forever, and no node logged a word."""
    one, other = (application(Server(authenticate=anonymous)) for _ in range(2))
    async with (
        serving(one) as here,
        serving(other) as there,
        httpx.AsyncClient(base_url=here, trust_env=False) as at_one,
        httpx.AsyncClient(base_url=there, trust_env=False) as at_other,
    ):
        for _ in range(4):
            polling = RawPolling(at_one)
            await polling.open()
            polling.http = at_other
            answer = await polling.get()
            assert (answer.status_code, answer.json()["code"]) == (400, 1)
    assert caplog.text.count("the load balancer must be sticky") == 1


async def test_old_and_invented_sessions_are_not_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Clients that ask for a session that has ended do not indicate a fault."""
    server = Server(authenticate=anonymous)
    async with (
        serving(application(server)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        polling = RawPolling(http)
        await polling.open()
        await polling.post("1")
        for sid in [polling.handshake["sid"]] * 5 + ["x", "A" * 32, "é", "A" * 31]:
            polling.handshake = {"sid": sid}
            assert (await polling.get()).status_code == 400
    assert "sticky" not in caplog.text


@pytest.mark.timeout(60)
def test_a_process_without_descriptors_says_so(tmp_path: Path) -> None:
    """uvloop reset further connections silently."""
    command = f"ulimit -n 64; exec {LONGWIRE} serve --port=0 --dev --broker=memory:"
    with (
        subprocess.Popen(
            ["bash", "-c", command],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        line = until_line(process, "file descriptor")
    assert "no file descriptor is left (limit 64)" in line
    assert "ulimit -n" in line


@pytest.mark.parametrize("fault", ["deleted", "replaced", "renamed"])
async def test_a_file_that_vanished_refuses_publications(fault: str, tmp_path: Path) -> None:
    """They were acknowledged, and gone after the restart."""
    path = tmp_path / "app.db"
    with ServerProcess(f"--broker=sqlite:///{path}") as server:
        body = {"event": "announcement", "data": {"message": "x", "level": "info"}}
        await server.publish(**body, room="global")
        match fault:
            case "deleted":
                path.unlink()
            case "renamed":
                path.rename(tmp_path / "elsewhere.db")
            case _:
                (tmp_path / "other.db").write_bytes(path.read_bytes())
                (tmp_path / "other.db").replace(path)
        refused = await server.request("POST", "/api/publish", {**body, "room": "global"})
        ready = await server.request("GET", "/readyz")
        log = server.read_log()
        if fault == "renamed":
            (tmp_path / "elsewhere.db").rename(path)
            await server.publish(**body, room="global")
            assert (await server.request("GET", "/readyz")).status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (503, "broker_unavailable")
    assert (ready.status_code, ready.json()["reason"]) == (503, "broker_unavailable")
    assert f"{path}: it was deleted or replaced while the server runs" in log


async def test_the_write_ahead_log_must_stay_too(tmp_path: Path) -> None:
    """It holds the newest entries until a checkpoint, which a killed process does not make."""
    path = tmp_path / "app.db"
    with ServerProcess(f"--broker=sqlite:///{path}") as server:
        (tmp_path / "app.db-wal").unlink()
        data = {"message": "x", "level": "info"}
        body = {"event": "announcement", "data": data, "room": "global"}
        refused = await server.request("POST", "/api/publish", body)
    assert refused.status_code == 503
