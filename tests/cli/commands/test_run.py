"""`longwire run`: publishes a command as a job without changing how the command behaves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from longwire import Contract, Server, jwt_authenticator
from tests.cli.command import LONGWIRE, Longwire, RunningCommand
from tests.serving import SECRET, ServerProcess, serving

NOTICE = re.compile(r"longwire: watch this job at [^\n]+\n")
WAITING = re.compile(r"longwire: waiting for the server [^\n]+\n")


async def state_of(server: ServerProcess, job_id: str) -> dict[str, Any]:
    answer = await server.request("GET", f"/api/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


async def text_of(server: ServerProcess, job_id: str) -> str:
    return "".join(chunk["text"] for chunk in (await state_of(server, job_id))["output"])


def process_state(pid: int) -> str | None:
    """Return the process state as the letter that `ps` shows."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


def is_alive(pid: int) -> bool:
    return process_state(pid) not in (None, "Z")


async def test_a_command_becomes_a_job(longwire: Longwire, running_server: ServerProcess) -> None:
    script = "echo one; echo two >&2; echo '50 % done'"
    ended = longwire.run("run", "--job-id", "run-1", "--title", "My job", "--", "sh", "-c", script)
    assert ended.returncode == 0
    assert ended.stdout == b"one\n50 % done\n"
    assert NOTICE.sub("", ended.stderr.decode()) == "two\n"
    state = await state_of(running_server, "run-1")
    assert (state["status"], state["title"], state["progress"]) == ("completed", "My job", 100)
    assert state["result"]["metrics"] == {"exitCode": 0}
    assert state["owner"] is None


async def test_output_is_passed_on_byte_for_byte(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    script = r"""
import sys
for n in range(20_000):
    sys.stdout.buffer.write(f"{n} é 漢 🚀 \x00\x1b[1m\r\n\r".encode())
"""
    expected = "".join(f"{n} é 漢 🚀 \x00\x1b[1m\r\n\r" for n in range(20_000))
    ended = longwire.run("run", "--job-id", "run-bytes", "--", sys.executable, "-c", script)
    assert ended.stdout == expected.encode()
    assert await text_of(running_server, "run-bytes") == expected


@pytest.mark.parametrize(
    ("command", "code", "error_code"),
    [
        (["sh", "-c", "exit 7"], 7, "exit_7"),
        (["sh", "-c", "kill -KILL $$"], 137, "signal_kill"),
        (["no-such-command"], 127, "command_not_found"),
        (["/etc/passwd"], 126, "command_not_executable"),
    ],
)
async def test_exits_with_the_commands_exit_code(
    longwire: Longwire,
    running_server: ServerProcess,
    command: list[str],
    code: int,
    error_code: str,
) -> None:
    job_id = f"run-exit-{code}"
    ended = longwire.run("run", "--job-id", job_id, "--", *command)
    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr
    state = await state_of(running_server, job_id)
    assert (state["status"], state["errorCode"]) == ("failed", error_code)


def test_options_after_the_command_belong_to_the_command(longwire: Longwire) -> None:
    assert longwire.run("run", "echo", "--title", "-n").stdout == b"--title -n\n"


@pytest.mark.parametrize("option", ["--titel", "-x"])
def test_a_mistyped_option_is_not_run_as_a_command(longwire: Longwire, option: str) -> None:
    code, message = longwire.failure("run", option, "--", "echo")
    assert code == 2
    assert message.startswith(f"No such option '{option}'.")


def test_prints_where_to_watch_the_job(longwire: Longwire, running_server: ServerProcess) -> None:
    message = longwire.run("run", "--job-id", "run-notice", "--", "true").stderr.decode()
    url = running_server.url
    assert message == f"longwire: watch this job at {url} or with `longwire watch run-notice`\n"
    del longwire.environment["LONGWIRE_URL"]
    message = longwire.run("run", "--server", url, "--job-id", "run-notice", "--", "true").stderr
    command = message.decode().split("`")[1]
    assert command == f"longwire watch --server {url} run-notice"
    assert longwire.run(*command.split()[1:]).returncode == 0


@pytest.mark.parametrize("job_id", ["a:b", "global", "-x"])
def test_prints_a_working_watch_command_for_any_job_id(longwire: Longwire, job_id: str) -> None:
    message = longwire.run("run", f"--job-id={job_id}", "--", "echo", "text").stderr.decode()
    command = message.split("`")[1]
    assert longwire.output(*command.split()[1:]) == "text\n"


def test_a_user_token_may_not_run_a_job(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    code, message = longwire.failure("run", "--", "echo")
    assert code == 1
    assert message.startswith("publishing requires a token with the scope 'service'")


async def test_reports_a_server_whose_contract_has_no_jobs(longwire: Longwire) -> None:
    authenticate = jwt_authenticator(longwire.environment["LONGWIRE_SECRET"])
    async with serving(Server(contract=Contract(), authenticate=authenticate)) as url:
        code, message = await asyncio.to_thread(
            longwire.failure, "run", "--server", url, "--", "echo"
        )
    assert code == 1
    assert message.startswith(f"{url} does not support jobs: unknown event 'job:created'")


def test_rejects_an_invalid_owner_before_the_command_runs(longwire: Longwire) -> None:
    assert longwire.failure("run", "--owner", "a b", "--", "echo")[0] == 2


async def test_arguments_need_not_be_utf8(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    """Regression: the command did not run, because its title could not be encoded."""
    name = os.fsdecode(b"caf\xe9")
    ended = longwire.run("run", "--job-id", "run-bytes", "--", "printf", "%s", name)
    assert (ended.returncode, ended.stdout) == (0, b"caf\xe9")
    assert (await state_of(running_server, "run-bytes"))["title"] == "printf %s 'caf\\udce9'"


def test_runs_with_closed_standard_streams(longwire: Longwire) -> None:
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = ["sh", "-c", f'"$@" {closed}', "sh", *LONGWIRE, "run", "--", "sh", "-c"]
        ended = subprocess.run(
            [*command, "echo out; echo err >&2; exit 7"],
            env=longwire.environment,
            capture_output=True,
            check=False,
            timeout=15,
        )
        assert ended.returncode == 7
        assert b"Traceback" not in ended.stderr
        assert ended.stdout in (b"", b"out\n")


def test_the_command_reads_stdin(longwire: Longwire) -> None:
    assert longwire.run("run", "cat", stdin=b"through").stdout == b"through"


def wait_for(process: RunningCommand, line: str) -> None:
    while (read := process.line()) != line:
        assert read


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_signal_stops_the_command_and_its_children(
    longwire: Longwire, running_server: ServerProcess, number: signal.Signals, code: int
) -> None:
    script = "sleep 1000 & echo $!; echo $$; echo ready; wait"
    job_id = f"run-signal-{code}"
    with longwire.start("run", "--job-id", job_id, "--", "sh", "-c", script) as run:
        pids = [int(run.line()), int(run.line())]
        wait_for(run, "ready")
        run.process.send_signal(number)
        assert run.end()[0] == code
    assert not any(is_alive(pid) for pid in pids)
    state = await state_of(running_server, job_id)
    assert (state["status"], state["isComplete"]) == ("cancelled", True)


def test_a_second_ctrl_c_kills(longwire: Longwire) -> None:
    script = "trap 'echo stubborn' TERM; echo $$; while :; do sleep 0.02; done"
    with longwire.start("run", "--", "sh", "-c", script) as run:
        pid = int(run.line())
        run.process.send_signal(signal.SIGINT)
        wait_for(run, "stubborn")
        run.process.send_signal(signal.SIGINT)
        code, _, message = run.end()
        assert code == 130
        assert "longwire:" not in NOTICE.sub("", message)  # the job's result was published
    assert not is_alive(pid)


async def test_ctrl_z_suspends_the_command_and_extends_its_lease(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    script = "echo $$; while [ ! -e $0 ]; do sleep 0.02; done; echo went on"
    gate = Path(longwire.environment["XDG_STATE_HOME"])
    with longwire.start("run", "--job-id", "run-z", "--", "sh", "-c", script, str(gate)) as run:
        command = int(run.line())
        run.process.send_signal(signal.SIGTSTP)
        await asyncio.to_thread(os.waitid, os.P_PID, run.process.pid, os.WSTOPPED)
        while process_state(command) != "T":  # noqa: ASYNC110 (a stopped process sends nothing)
            await asyncio.sleep(0.01)
        with longwire.start("watch", "run-z", "--json") as watch:
            leases: list[float] = []
            while max(leases, default=0) < 86_400:
                line = json.loads(await asyncio.to_thread(watch.line))
                leases.append(line["data"].get("expiresIn", 0))
        await asyncio.to_thread(gate.mkdir)
        run.process.send_signal(signal.SIGCONT)
        code, printed, _ = await asyncio.to_thread(run.end)
    assert (code, printed) == (0, "went on\n")
    assert (await state_of(running_server, "run-z"))["status"] == "completed"


async def test_job_cancel_stops_the_command(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    with longwire.start(
        "run", "--job-id", "run-cancel", "--", "sh", "-c", "echo $$; exec sleep 1000"
    ) as run:
        pid = int(run.line())
        answer = await running_server.request(
            "POST", "/api/jobs/run-cancel/cancel", {"reason": "no"}
        )
        assert answer.status_code == 202
        code, _, _ = run.end()
    assert code == 143
    assert not is_alive(pid)
    assert (await state_of(running_server, "run-cancel"))["status"] == "cancelled"


async def test_a_command_whose_job_another_worker_took_over_is_stopped(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    script = "echo $$; while sleep 0.02; do echo more; done"
    with longwire.start("run", "--job-id", "run-late", "--", "sh", "-c", script) as run:
        pid = int(run.line())
        ended = longwire.run("run", "--job-id", "run-late", "--", "echo", "newer")
        code, _, message = await asyncio.to_thread(run.end)
    assert (ended.returncode, code) == (0, 1)
    assert "another worker took over the job" in message
    assert not is_alive(pid)
    assert await text_of(running_server, "run-late") == "newer\n"


def test_a_closed_stdout_ends_the_command(longwire: Longwire) -> None:
    with longwire.start("run", "--", "yes") as run:
        assert run.line() == "y"
        run.stdout.close()
        assert run.process.wait(timeout=15) in (1, 128 + signal.SIGPIPE)
        assert b"Traceback" not in run.stderr.read()


async def test_only_the_owner_may_watch(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.output("run", "--job-id", "run-owner", "--owner", "ada", "--", "true")
    for user, status in (("ada", 200), ("bob", 404)):
        token = running_server.token(user)
        answer = await running_server.request("GET", "/api/jobs/run-owner", token=token)
        assert answer.status_code == status


def test_embeds_a_server_when_none_is_running(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = "echo started; read line < $0; echo $line"
    command = ["run", "--job-id", "42", "--", "sh", "-c", script, str(gate)]
    with RunningCommand(
        [sys.executable, "-c", EMBEDDED, *command],
        longwire.environment,
    ) as run:
        notice = run.stderr.readline().decode()
        found = re.fullmatch(
            r"longwire: watch this job at (http://127\.0\.0\.1:\d+)/#token=(\S+)&to=/jobs/42"
            r" or with `longwire (watch --server \1 42)`\n",
            notice,
        )
        assert found, notice
        wait_for(run, "started")
        headers = {"authorization": f"Bearer {found[2]}"}
        answer = httpx.get(f"{found[1]}/api/jobs/42", headers=headers, trust_env=False)
        assert answer.json()["isRunning"] is True, answer.text
        with longwire.start(*found[3].split()) as watch:
            assert watch.line() == "started"
            gate.write_text("the end\n")
            assert watch.end()[:2] == (0, "the end\n")
        assert run.end()[:2] == (0, "the end\n")


def test_the_link_signs_in_the_owner_at_this_server_only(
    tmp_path: Path, running_server: ServerProcess
) -> None:
    # CI may share its secret with production, and many people can read CI logs.
    mine = Longwire(tmp_path, LONGWIRE_SECRET=running_server.secret)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = ["run", "--job-id", "42", "--owner", "ada", "--", "cat", str(gate)]
    with RunningCommand([sys.executable, "-c", EMBEDDED, *command], mine.environment) as run:
        found = re.search(r"(http://[^/]+)/#token=(\S+)&to=", run.stderr.readline().decode())
        assert found
        headers = {"authorization": f"Bearer {found[2]}"}
        answer = httpx.get(f"{found[1]}/api/jobs/42", headers=headers, trust_env=False)
        assert answer.json()["owner"] == "ada", answer.text
        url = f"{running_server.url}/api/jobs"
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 401
        gate.write_text("")
        assert run.end()[0] == 0


# Without this, `run` would use a Longwire server that happens to listen on port 8000.
EMBEDDED = """
import sys
import importlib
from longwire.cli import main
importlib.import_module("longwire.cli.commands.run").running_server = lambda: None
main()
"""


@pytest.mark.timeout(60)  # the fifth attempt to reconnect may be 30 s after the first
async def test_a_server_restart_loses_no_output(tmp_path: Path) -> None:
    lines = 400
    script = f"i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); sleep 0.005; done"
    with ServerProcess(f"--broker=sqlite:///{tmp_path / 'log.db'}") as server:
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_URL=server.url)
        with longwire.start("run", "--job-id", "42", "--", "sh", "-c", script) as run:
            wait_for(run, "line 50")
            server.kill()
            wait_for(run, "line 150")
            server.start()
            code, _, message = await asyncio.to_thread(run.end, 45)
        # The command may end before the client has reconnected.
        assert (code, WAITING.sub("", NOTICE.sub("", message))) == (0, "")
        expected = "".join(f"line {n}\n" for n in range(lines))
        assert await text_of(server, "42") == expected
        assert (await state_of(server, "42"))["status"] == "completed"


def test_a_lost_server_does_not_disturb_the_command(tmp_path: Path) -> None:
    with ServerProcess() as server:
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_URL=server.url)
        script = "echo one; read line < $0; echo two; exit 5"
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        with longwire.start("run", "--", "sh", "-c", script, str(gate)) as run:
            wait_for(run, "one")
            server.kill()
            gate.write_text("go on\n")
            wait_for(run, "two")
            while "waiting for the server" not in run.stderr.readline().decode():
                assert run.process.poll() is None
            run.process.send_signal(signal.SIGINT)
            code, _, message = run.end()
    assert code == 5
    assert message == "longwire: the job's result was not published: the server did not respond\n"
