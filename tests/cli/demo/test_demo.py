"""`longwire demo`: serves the page and runs its example job."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import httpx
import pytest

from tests.cli.command import Longwire, RunningCommand

LINK = re.compile(r" *(http://127\.0\.0\.1:\d+)/#token=(\S+)")
HINT = re.compile(r".*longwire (watch .+)")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.txt").write_text(f"text {number % 15}\n" * 10)
    return folder


def read_guide(demo: RunningCommand) -> tuple[str, str, str]:
    """Return the URL, the token and the watch command that the demo prints."""
    link = hint = None
    while hint is None:
        line = demo.stdout.readline().decode()
        assert line, "the demo ended"
        link = link or LINK.match(line)
        hint = HINT.match(line)
    assert link
    return link[1], link[2], hint[1]


def test_exit_option_ends_with_the_job(offline: Longwire, texts: Path) -> None:
    printed = offline.output("demo", str(texts), "--exit", "--port", "0")
    assert LINK.search(printed)
    assert "20 text files: 200 lines, 400 words" in printed
    assert "00.txt = 15.txt" in printed


def test_keeps_serving_and_the_link_shows_the_job(offline: Longwire, texts: Path) -> None:
    with offline.start("demo", str(texts), "--port", "0") as demo:
        url, token, watch = read_guide(demo)
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.get(url, trust_env=False).status_code == 200
        *words, job_id = shlex.split(watch)
        assert offline.run(*words, job_id).returncode == 0
        state = httpx.get(f"{url}/api/jobs/{job_id}", headers=headers, trust_env=False).json()
        assert (state["status"], state["owner"]) == ("completed", "demo")
        assert state["result"]["metrics"]["files"] == 20
        assert "20 text files" in state["result"]["content"]
        while "Ctrl-C stops it" not in demo.line():
            pass
        demo.process.send_signal(signal.SIGINT)
        assert demo.end()[::2] == (0, "")


def test_ctrl_c_ends_a_running_demo(offline: Longwire, texts: Path) -> None:
    with offline.start("demo", str(texts), "--port", "0") as demo:
        read_guide(demo)
        demo.process.send_signal(signal.SIGINT)
        assert demo.end()[::2] == (130, "")


def test_reports_a_missing_directory(offline: Longwire, tmp_path: Path) -> None:
    code, message = offline.failure("demo", str(tmp_path / "nowhere"))
    assert code == 2
    assert "does not exist" in message


def test_analyses_an_empty_directory(offline: Longwire, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    printed = offline.output("demo", str(tmp_path / "empty"), "--exit", "--port", "0")
    assert "0 text files" in printed
