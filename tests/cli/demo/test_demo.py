"""`longwire demo`: something to look at, from nothing."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import httpx
import pytest

from tests.cli.command import Longwire, Started

LINK = re.compile(r" *(http://127\.0\.0\.1:\d+)/#token=(\S+)")
HINT = re.compile(r".*longwire (watch .+)")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.txt").write_text(f"text {number % 15}\n" * 10)
    return folder


def read_guide(demo: Started) -> tuple[str, str, str]:
    """Return the address, the token and the command that shows the job."""
    link = hint = None
    while hint is None:
        line = demo.stdout.readline().decode()
        assert line, "the demo ended"
        link = link or LINK.match(line)
        hint = HINT.match(line)
    assert link
    return link[1], link[2], hint[1]


def test_ends_with_the_job_for_scripts(alone: Longwire, texts: Path) -> None:
    printed = alone.output("demo", str(texts), "--exit", "--port", "0")
    assert LINK.search(printed)
    assert "20 text files: 200 lines, 400 words" in printed
    assert "00.txt = 15.txt" in printed


def test_stays_up_and_shows_the_job_to_who_signs_in(alone: Longwire, texts: Path) -> None:
    with alone.start("demo", str(texts), "--port", "0") as demo:
        url, token, watch = read_guide(demo)
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.get(url, trust_env=False).status_code == 200
        *words, job_id = shlex.split(watch)
        assert alone.run(*words, job_id).returncode == 0
        state = httpx.get(f"{url}/api/jobs/{job_id}", headers=headers, trust_env=False).json()
        assert (state["status"], state["owner"]) == ("completed", "demo")
        assert state["result"]["metrics"]["files"] == 20
        assert "20 text files" in state["result"]["content"]
        while "Ctrl-C ends it" not in demo.line():
            pass
        demo.process.send_signal(signal.SIGINT)
        assert demo.end()[::2] == (0, "")


def test_ctrl_c_ends_a_running_demo(alone: Longwire, texts: Path) -> None:
    with alone.start("demo", str(texts), "--port", "0") as demo:
        read_guide(demo)
        demo.process.send_signal(signal.SIGINT)
        assert demo.end()[::2] == (130, "")


def test_a_directory_that_is_not_there(alone: Longwire, tmp_path: Path) -> None:
    code, said = alone.refusal("demo", str(tmp_path / "nowhere"))
    assert code == 2
    assert "does not exist" in said


def test_an_empty_directory_is_analysed_too(alone: Longwire, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    printed = alone.output("demo", str(tmp_path / "empty"), "--exit", "--port", "0")
    assert "0 text files" in printed
