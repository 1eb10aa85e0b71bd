"""`longwire run`: any command, live, and yet as if it ran by itself."""

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
from tests.cli.command import LONGWIRE, Longwire, Started
from tests.serving import SECRET, ServerProcess, serving

NOTICE = re.compile(r"longwire: watch it live at [^\n]+\n")
WAITING = re.compile(r"longwire: waiting for the server [^\n]+\n")


async def state_of(server: ServerProcess, job_id: str) -> dict[str, Any]:
    answer = await server.request("GET", f"/api/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


async def text_of(server: ServerProcess, job_id: str) -> str:
    return "".join(chunk["text"] for chunk in (await state_of(server, job_id))["output"])


def process_state(pid: int) -> str | None:
    """Return the letter that ps shows."""
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


async def test_the_output_is_the_commands_byte_for_byte(
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
async def test_the_exit_code_is_the_commands(
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


def test_options_after_the_command_are_the_commands(longwire: Longwire) -> None:
    assert longwire.run("run", "echo", "--title", "-n").stdout == b"--title -n\n"


@pytest.mark.parametrize("option", ["--titel", "-x"])
def test_a_mistyped_option_is_no_command(longwire: Longwire, option: str) -> None:
    code, said = longwire.refusal("run", option, "--", "echo")
    assert code == 2
    assert said.startswith(f"No such option '{option}'.")


def test_tells_where_to_watch_the_job(longwire: Longwire, running_server: ServerProcess) -> None:
    said = longwire.run("run", "--job-id", "run-told", "--", "true").stderr.decode()
    url = running_server.url
    assert said == f"longwire: watch it live at {url} or with `longwire watch run-told`\n"
    del longwire.environment["LONGWIRE_URL"]
    said = longwire.run("run", "--server", url, "--job-id", "run-told", "--", "true").stderr
    command = said.decode().split("`")[1]
    assert command == f"longwire watch --server {url} run-told"
    assert longwire.run(*command.split()[1:]).returncode == 0


@pytest.mark.parametrize("job_id", ["a:b", "global", "-x"])
def test_tells_how_to_watch_a_job_whatever_its_name(longwire: Longwire, job_id: str) -> None:
    said = longwire.run("run", f"--job-id={job_id}", "--", "echo", "text").stderr.decode()
    command = said.split("`")[1]
    assert longwire.output(*command.split()[1:]) == "text\n"


def test_a_user_may_not_run(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    code, said = longwire.refusal("run", "--", "echo")
    assert code == 1
    assert said.startswith("only services may publish: the token needs the scope 'service'")


async def test_a_server_without_jobs_is_told_what_it_needs(longwire: Longwire) -> None:
    authenticate = jwt_authenticator(longwire.environment["LONGWIRE_SECRET"])
    async with serving(Server(contract=Contract(), authenticate=authenticate)) as url:
        code, said = await asyncio.to_thread(longwire.refusal, "run", "--server", url, "--", "echo")
    assert code == 1
    assert said.startswith(f"{url} has no jobs, its contract needs those of CATALOG: ")


def test_an_owner_that_can_be_no_user_is_refused_before_anything_runs(longwire: Longwire) -> None:
    assert longwire.refusal("run", "--owner", "a b", "--", "echo")[0] == 2


async def test_arguments_need_not_be_utf8(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    """The command was not run: its title could not be published."""
    name = os.fsdecode(b"caf\xe9")
    ended = longwire.run("run", "--job-id", "run-bytes", "--", "printf", "%s", name)
    assert (ended.returncode, ended.stdout) == (0, b"caf\xe9")
    assert (await state_of(running_server, "run-bytes"))["title"] == "printf %s 'caf\\udce9'"


def test_closed_streams_are_as_good_as_none(longwire: Longwire) -> None:
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


def test_stdin_is_the_commands(longwire: Longwire) -> None:
    assert longwire.run("run", "cat", stdin=b"through").stdout == b"through"


def wait_for(process: Started, line: str) -> None:
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
        code, _, said = run.end()
        assert code == 130
        assert "longwire:" not in NOTICE.sub("", said)  # the end of the job is published, too
    assert not is_alive(pid)


async def test_ctrl_z_stops_the_command_too_and_nobody_takes_it_for_lost(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    script = "echo $$; while [ ! -e $0 ]; do sleep 0.02; done; echo went on"
    gate = Path(longwire.environment["XDG_STATE_HOME"])
    with longwire.start("run", "--job-id", "run-z", "--", "sh", "-c", script, str(gate)) as run:
        command = int(run.line())
        run.process.send_signal(signal.SIGTSTP)
        await asyncio.to_thread(os.waitid, os.P_PID, run.process.pid, os.WSTOPPED)
        while process_state(command) != "T":  # noqa: ASYNC110 (it is told nothing any more)
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


def test_a_reader_that_goes_away_ends_the_command(longwire: Longwire) -> None:
    with longwire.start("run", "--", "yes") as run:
        assert run.line() == "y"
        run.stdout.close()
        assert run.process.wait(timeout=15) in (1, 128 + signal.SIGPIPE)
        assert b"Traceback" not in run.stderr.read()


async def test_the_owner_alone_may_watch(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.output("run", "--job-id", "run-owner", "--owner", "ada", "--", "true")
    for user, status in (("ada", 200), ("bob", 404)):
        token = running_server.token(user)
        answer = await running_server.request("GET", "/api/jobs/run-owner", token=token)
        assert answer.status_code == status


def test_without_a_server_it_brings_its_own(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = "echo started; read line < $0; echo $line"
    command = ["run", "--job-id", "42", "--", "sh", "-c", script, str(gate)]
    with Started(
        [sys.executable, "-c", EMBEDDED, *command],
        longwire.environment,
    ) as run:
        notice = run.stderr.readline().decode()
        found = re.fullmatch(
            r"longwire: watch it live at (http://127\.0\.0\.1:\d+)/#token=(\S+)&to=/jobs/42"
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


def test_the_link_signs_in_the_owner_and_only_here(
    tmp_path: Path, running_server: ServerProcess
) -> None:
    # A CI server's secret is that of production, and its logs are read by many.
    mine = Longwire(tmp_path, LONGWIRE_SECRET=running_server.secret)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = ["run", "--job-id", "42", "--owner", "ada", "--", "cat", str(gate)]
    with Started([sys.executable, "-c", EMBEDDED, *command], mine.environment) as run:
        found = re.search(r"(http://[^/]+)/#token=(\S+)&to=", run.stderr.readline().decode())
        assert found
        headers = {"authorization": f"Bearer {found[2]}"}
        answer = httpx.get(f"{found[1]}/api/jobs/42", headers=headers, trust_env=False)
        assert answer.json()["owner"] == "ada", answer.text
        url = f"{running_server.url}/api/jobs"
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 401
        gate.write_text("")
        assert run.end()[0] == 0


# Where port 8000 is taken by another Longwire, this one would use it.
EMBEDDED = """
import sys
import importlib
from longwire.cli import main
importlib.import_module("longwire.cli.commands.run").running_server = lambda: None
main()
"""


@pytest.mark.timeout(60)  # the fifth attempt to reconnect may be 30 s after the first
async def test_a_server_that_restarts_loses_nothing(tmp_path: Path) -> None:
    lines = 400
    script = f"i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); sleep 0.005; done"
    with ServerProcess(f"--broker=sqlite:///{tmp_path / 'log.db'}") as server:
        longwire = Longwire(tmp_path, LONGWIRE_SECRET=SECRET, LONGWIRE_URL=server.url)
        with longwire.start("run", "--job-id", "42", "--", "sh", "-c", script) as run:
            wait_for(run, "line 50")
            server.kill()
            wait_for(run, "line 150")
            server.start()
            code, _, said = await asyncio.to_thread(run.end, 45)
        # The command may be over before the link is there again.
        assert (code, WAITING.sub("", NOTICE.sub("", said))) == (0, "")
        expected = "".join(f"line {n}\n" for n in range(lines))
        assert await text_of(server, "42") == expected
        assert (await state_of(server, "42"))["status"] == "completed"


def test_a_server_that_does_not_come_back_costs_the_command_nothing(tmp_path: Path) -> None:
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
            code, _, said = run.end()
    assert code == 5
    assert said == "longwire: the end of the job is not published: no answer\n"
