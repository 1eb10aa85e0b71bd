"""Two components that watch one job, in StrictMode with React's development build."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.node_server import ROOT, node_server
from tests.browser.site import Site
from tests.proxy import Proxy


@pytest_asyncio.fixture(loop_scope="session")
async def dev_server(proxy: Proxy) -> AsyncIterator[str]:
    """Serve `web/tests/pages`, which proxies requests to a Longwire server."""
    web = ROOT / "web"
    command = ("vite", web / "tests/pages", "--config", web / "vite.config.ts", "--host=127.0.0.1")
    async with node_server(*command, LONGWIRE_URL=proxy.url) as address:
        yield address


async def test_two_hooks_share_one_connection_and_one_survives_the_other(
    page: Page, site: Site, proxy: Proxy, dev_server: str
) -> None:
    job_id = f"two-hooks-{uuid4()}"
    await site.start_job(job_id, "Watched twice")
    await site.progress(job_id, 12, "Drafting")
    links: list[str] = []
    page.on("websocket", lambda link: links.append(link.url))
    page.on("framenavigated", lambda _: links.clear())
    first = page.get_by_role("region", name="First")
    second = page.get_by_role("region", name="Second")

    await page.goto(f"{dev_server}/#{site.token()}/{job_id}")
    for watcher in (first, second):
        await expect(watcher).to_contain_text("connected: Drafting")
        await expect(watcher.get_by_role("progressbar")).to_have_attribute("value", "12")
    assert len([url for url in links if "socket.io" in url]) == 1
    await expect(page.get_by_text("refused")).to_have_count(0)

    await page.get_by_role("button", name="Remove the second").click()
    await expect(second).to_be_hidden()
    await site.write(job_id, "a")
    await expect(first.locator("pre")).to_have_text("a")

    await page.get_by_role("button", name="Show the second").click()
    await expect(second.locator("pre")).to_have_text("a")
    proxy.cut()
    await site.write(job_id, "b")
    for watcher in (first, second):
        await expect(watcher.locator("pre")).to_have_text("ab")
