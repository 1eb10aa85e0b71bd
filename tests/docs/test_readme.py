"""The README is short, and its snippets run as a reader would run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT, RUNNING, read_until, running, snippets_of

SNIPPETS = snippets_of("README.md")


def test_it_has_at_most_120_lines() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120


@pytest.mark.timeout(60)
async def test_a_live_job_in_20_lines(tmp_path: Path) -> None:
    source = SNIPPETS["reports.py"]
    assert len([line for line in source.splitlines() if line.strip()]) <= 20
    (tmp_path / "reports.py").write_text(source.replace("sleep(1)", "sleep(0.01)"))
    serve = SNIPPETS["serve"].replace("--port 8000", "--port 0")
    assert serve != SNIPPETS["serve"]

    async with running(serve, tmp_path) as server:
        url = (await read_until(server, RUNNING))[1].decode()
        start = SNIPPETS["start"].replace("http://127.0.0.1:8000", url)
        async with running(start, tmp_path) as started:
            job_id = json.loads((await started.read()).splitlines()[-1])["jobId"]
        watch = f"LONGWIRE_TOKEN=any longwire watch --server {url} {job_id}"
        async with running(watch, tmp_path) as watched:
            await read_until(watched, re.compile(rb"^Chapter 10: more about tea\.$"))
