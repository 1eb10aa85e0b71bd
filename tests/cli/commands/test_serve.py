"""`longwire serve`: startup, shutdown and configuration errors."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.cli.command import Longwire, RunningCommand
from tests.redis_server import RedisServer
from tests.serving import SECRET


def address(server: RunningCommand) -> str:
    found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)", server.line())
    assert found
    return found[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_serves_until_a_signal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    with longwire.start("serve", "--port", "0") as server:
        url = address(server)
        health = httpx.get(f"{url}/healthz", trust_env=False)
        assert health.json() == {"status": "ok", "server": "longwire"}
        assert httpx.get(url, trust_env=False).headers["content-type"].startswith("text/html")
        server.process.send_signal(number)
        assert server.end() == (code, "", "")


def test_does_not_start_without_a_secret(tmp_path: Path) -> None:
    code, message = Longwire(tmp_path).failure("serve", "--port", "0")
    assert code == 1
    assert message == "no secret found: set LONGWIRE_SECRET, or pass --dev for local development"


def test_dev_creates_a_secret_that_other_commands_use(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path)
    with longwire.start("serve", "--dev", "--port", "0") as server:
        longwire.environment["LONGWIRE_URL"] = address(server)
        printed = longwire.output(
            "emit", "announcement", '{"message": "hi", "level": "info"}', "--room", "global"
        )
        assert '"room":"global"' in printed
    assert (tmp_path / "longwire" / "secret").exists()


@pytest.mark.timeout(60)  # starts several processes in sequence
def test_a_redis_error_is_one_line_without_the_password(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    with RedisServer(tmp_path, requirepass="hunter2"):
        wrong = f"unix://default:hunter3@{tmp_path}/redis.sock"
        code, message = longwire.failure("serve", "--port=0", f"--broker={wrong}")
    assert code == 1
    assert message == f"Redis at unix://{tmp_path}/redis.sock rejects the user or the password"


def test_the_broker_url_can_come_from_the_environment(tmp_path: Path) -> None:
    with RedisServer(tmp_path, requirepass="hunter2"):
        broker = f"unix://default:hunter2@{tmp_path}/redis.sock"
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_BROKER=broker)
        with longwire.start("serve", "--port", "0") as server:
            assert httpx.get(f"{address(server)}/healthz", trust_env=False).status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == (0, "", "")


@pytest.mark.timeout(60)
def test_waits_for_a_redis_that_starts_later(tmp_path: Path) -> None:
    """It exited with 1, and needed a supervisor."""
    broker = f"unix://default:hunter2@{tmp_path}/redis.sock"
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_BROKER=broker)
    with longwire.start("serve", "--port", "0") as server:
        url = address(server)
        ready = httpx.get(f"{url}/readyz", trust_env=False)
        assert (ready.status_code, ready.json()["reason"]) == (503, "starting")
        line = server.stderr.readline().decode()
        with RedisServer(tmp_path, requirepass="hunter2"):
            while "the server is ready" not in server.stderr.readline().decode():
                pass
            assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == (0, "", "")
    assert line.startswith("waiting for the broker before serving clients: Redis at unix://")
    assert "hunter2" not in line


@pytest.mark.timeout(60)
def test_does_not_wait_for_a_redis_forever(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    broker = f"--broker=unix://{tmp_path}/redis.sock"
    ended = longwire.run("serve", "--port=0", broker, "--start-timeout=0.2")
    *_, last = ended.stderr.decode().splitlines()
    assert ended.returncode == 1
    assert last.startswith(f"longwire: Redis at unix://{tmp_path}/redis.sock cannot be used: ")
    assert last.endswith("; gave up after 0.2 s")


def test_a_signal_ends_the_wait_for_redis(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    with longwire.start("serve", "--port=0", f"--broker=unix://{tmp_path}/redis.sock") as server:
        address(server)
        server.process.send_signal(signal.SIGTERM)
        code, _, _ = server.end()
    assert code == 0


def test_reports_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
        code, message = longwire.failure("serve", "--port", str(port))
    assert code == 1
    assert message.startswith(f"cannot listen on 127.0.0.1:{port}: the port is in use")


def test_allows_pages_of_the_given_origins(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    pages = ["http://localhost:3000", "https://app.example.com"]
    options = [option for page in pages for option in ("--allow-origin", page)]
    with longwire.start("serve", "--port", "0", *options) as server:
        url = f"{address(server)}/socket.io/?EIO=4&transport=polling"
        for page in pages:
            answer = httpx.get(url, headers={"Origin": page}, trust_env=False)
            assert answer.headers["access-control-allow-origin"] == page
        assert httpx.get(url, headers={"Origin": "http://x"}, trust_env=False).status_code == 403


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "no.such.host.invalid"],
        ["--port", "70000"],
        ["--port", "x"],
        ["--broker", "carrier-pigeon:"],
        ["--broker", "sqlite:////no/such/folder/log.db"],
        ["--allow-origin", "app.example.com"],
        ["--drain-seconds", "-1"],
        ["--start-timeout", "soon"],
        ["--nonsense"],
    ],
)
def test_wrong_options_are_reported_on_one_line(tmp_path: Path, arguments: list[str]) -> None:
    longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET)
    if "--port" not in arguments:
        arguments = [*arguments, "--port", "0"]
    longwire.failure("serve", *arguments)
