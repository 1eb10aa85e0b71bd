"""The page of docs/tutorial.md, built from its snippets, with its server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.node_server import ROOT, node_server
from tests.docs.snippets import RUNNING, read_until, running, snippets_of

SNIPPETS = snippets_of("docs/tutorial.md")
PAGE = ("index.html", "vite.config.mjs", "main.tsx")


@pytest_asyncio.fixture(loop_scope="session")
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Build and serve the page; yield its URL."""
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    serve = SNIPPETS["serve"].replace("$(cat secret.txt)", "a-secret-that-only-this-test-knows")
    serve = serve.replace("--port 8000 --reload", "--port 0")
    (tmp_path / "app.py").write_text(SNIPPETS["app.py"])
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(serve, tmp_path))
        backend = (await read_until(server, RUNNING))[1].decode()
        for name in PAGE:
            text = SNIPPETS[name].replace("http://127.0.0.1:8000", backend)
            (tmp_path / name).write_text(text)
        build = f"{ROOT}/node_modules/.bin/vite build --logLevel warn"
        built = await stack.enter_async_context(running(build, tmp_path))
        output = await built.read()
        assert (tmp_path / "dist/index.html").exists(), output.decode()
        page = node_server("vite", "preview", "--host=127.0.0.1", cwd=tmp_path)
        yield await stack.enter_async_context(page)


async def test_a_report_is_started_watched_reloaded_and_stopped(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_role("button", name="Write about tea").click()
    output = page.get_by_role("log")
    await expect(output).to_contain_text("Chapter 1: more about tea.")

    await page.reload()
    await expect(output).to_contain_text("Chapter 2: more about tea.")
    assert (await output.inner_text()).count("Chapter 1") == 1

    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
