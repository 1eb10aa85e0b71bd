"""`longwire top`: pages for scripts and for a terminal, and what it says when there is none."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from longwire.cli.top.formats import age, bars, number, plain, seconds, size
from tests.cli.command import LONGWIRE, Longwire
from tests.serving import ServerProcess

OPERATOR = "grace"

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def operated() -> Iterator[ServerProcess]:
    with ServerProcess("--broker=memory:", f"--admin={OPERATOR}") as server:
        yield server


@pytest.fixture
def top(operated: ServerProcess, tmp_path: Path) -> Longwire:
    return Longwire(tmp_path / "state", LONGWIRE_SECRET=operated.secret, LONGWIRE_URL=operated.url)


async def start_job(server: ServerProcess, job_id: str, title: str) -> None:
    await server.publish("job:created", {"jobId": job_id, "title": title})
    await server.publish("job:status", {"jobId": job_id, "status": "running"})


async def test_a_page_for_scripts(top: Longwire, operated: ServerProcess) -> None:
    await start_job(operated, "top-json", "For scripts")
    page = json.loads(
        await asyncio.to_thread(
            top.output, "top", "--user", OPERATOR, "--json", "--view=jobs", "--search=top-json"
        )
    )
    assert [(job["title"], job["status"]) for job in page["jobs"]] == [("For scripts", "running")]


async def test_a_page_for_a_pipe_has_no_control_sequences(
    top: Longwire, operated: ServerProcess
) -> None:
    await start_job(operated, "top-pipe", "A \x1b[31mred\x1b[2J title\nof two lines")
    text = await asyncio.to_thread(top.output, "top", "--user", OPERATOR, "--view=jobs")
    assert "A red title of two lines" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("view", ["overview", "connections", "rooms", "jobs"])
def test_every_view_is_printed(top: Longwire, view: str) -> None:
    heading = {"overview": "Node", "connections": "User", "rooms": "Room", "jobs": "Job"}[view]
    assert heading in top.output("top", "--user", OPERATOR, "--view", view)


def test_another_user_learns_how_to_become_an_operator(top: Longwire) -> None:
    code, message = top.failure("top", "--user", "ada", "--json")
    assert code == 1
    assert "ada is not an operator" in message
    assert "--admin ada" in message


def test_a_wrong_token_is_named(top: Longwire) -> None:
    top.environment["LONGWIRE_TOKEN"] = "wrong"
    code, message = top.failure("top", "--json")
    assert code == 1
    assert "rejected LONGWIRE_TOKEN" in message


def test_a_server_without_the_interface(top: Longwire, running_server: ServerProcess) -> None:
    for url in (running_server.url, f"{running_server.url}/elsewhere"):
        code, message = top.failure("top", "--user", OPERATOR, url)
        assert code == 1
        assert "is not an admin interface" in message


def test_no_server(top: Longwire) -> None:
    code, message = top.failure("top", "--user", OPERATOR, "http://127.0.0.1:1")
    assert code == 1
    assert message.startswith("cannot reach http://127.0.0.1:1/_longwire: ")


def test_a_url_of_another_scheme(top: Longwire) -> None:
    _, message = top.failure("top", "ftp://127.0.0.1")
    assert message == "URL must begin with http:// or https://, got 'ftp://127.0.0.1'"


class Terminal:
    """A command in a terminal of 80 columns and 24 lines."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.master)
        self.process = subprocess.Popen(
            [*LONGWIRE, *arguments],
            env=environment | {"TERM": "xterm-256color", "NO_COLOR": "1"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def expect(self, text: str) -> None:
        """Wait until the command has written a text since the last one that was expected."""
        deadline = time.monotonic() + 40
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        self.seen = self.seen.partition(text)[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def test_a_terminal_shows_the_views_and_ends_with_ctrl_c(
    top: Longwire, operated: ServerProcess
) -> None:
    terminal = Terminal(top.environment, "top", "--user", OPERATOR, "--interval", "0.5")
    try:
        terminal.expect("readers behind")
        for key, heading in (("c", "User"), ("r", "Worst lag"), ("j", "Step or error")):
            os.write(terminal.master, key.encode())
            terminal.expect(heading)
        os.write(terminal.master, b" ")
        terminal.expect("paused")
        operated.freeze()
        try:
            os.write(terminal.master, b" o")
            terminal.expect("old data: cannot reach")
        finally:
            operated.thaw()
        terminal.expect("readers behind")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(15) == 130
        assert termios.tcgetattr(terminal.master) == terminal.before
    finally:
        terminal.close()


def test_q_ends_it(top: Longwire) -> None:
    terminal = Terminal(top.environment, "top", "--user", OPERATOR)
    try:
        terminal.expect("readers behind")
        os.write(terminal.master, b"q")
        assert terminal.process.wait(15) == 0
    finally:
        terminal.close()


def test_the_formats() -> None:
    assert [number(1234), number(0.25), number(7)] == ["1,234", "0.25", "7"]
    assert [size(412), size(1_230_000)] == ["412 B", "1.23 MB"]
    assert [seconds(None), seconds(0.0004), seconds(12), seconds(185)] == [
        "-",
        "0.4 ms",
        "12 s",
        "3 m 05 s",
    ]
    assert [seconds(7_800), seconds(90_000)] == ["2 h 10 m", "1 d 1 h"]
    assert [age(None, 9), age(1_000, 4.0)] == ["-", "3 s"]
    assert [bars([], 5), bars([0, 0], 5), bars([0, 1, 8], 2)] == ["", "▁▁", "▁█"]
    assert plain(None) == "-"
