"""The snippets of docs/first-event.md, run as a reader would run them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT, RUNNING, read_until, running, snippets_of

SNIPPETS = snippets_of("docs/first-event.md")

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder where npm has installed what the README says."""
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


async def test_your_own_event_in_five_minutes(folder: Path) -> None:
    (folder / "app.py").write_text(SNIPPETS["app.py"])
    serve = SNIPPETS["serve"].replace("--port 8000", "--port 0")
    assert serve != SNIPPETS["serve"]
    shown = re.compile(re.escape(SNIPPETS["shown"].strip().encode()))

    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(serve, folder))
        url = (await read_until(server, RUNNING))[1].decode()

        def here(snippet: str) -> str:
            assert "http://127.0.0.1:8000" in snippet
            return snippet.replace("http://127.0.0.1:8000", url)

        for name in ("watch.py", "watch.mjs"):
            (folder / name).write_text(here(SNIPPETS[name]))
        watchers = [
            await stack.enter_async_context(running(line, folder))
            for line in SNIPPETS["watch"].splitlines()
        ]
        shipped = await stack.enter_async_context(running(here(SNIPPETS["ship"]), folder))
        assert b'{"offset":1}' in await shipped.read()
        for watcher in watchers:
            await read_until(watcher, shown)


async def test_a_test(folder: Path) -> None:
    for name in ("app.py", "test_app.py"):
        (folder / name).write_text(SNIPPETS[name])

    async with running("pytest -q -p no:cacheprovider test_app.py", folder) as output:
        await read_until(output, re.compile(rb"^1 passed"))
