"""An application that was written for the specification, with `longwire/compat`, in a browser."""

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


async def test_it_runs_with_its_imports_changed_and_one_provider(
    page: Page, site: Site, proxy: Proxy, dev_server: str
) -> None:
    job_id = f"specification-{uuid4()}"
    await site.start_job(job_id, "As specified")
    await site.progress(job_id, 12, "Drafting")
    card = page.get_by_role("region", name="Job")

    await page.goto(f"{dev_server}/specification/#{site.token()}/{job_id}")
    await expect(card).to_contain_text("Running: Drafting")
    await expect(card.get_by_role("progressbar")).to_have_attribute("value", "12")
    await expect(card).to_contain_text("connected")
    await site.write(job_id, "a")
    await expect(card.locator("pre")).to_have_text("a")

    proxy.cut()
    await site.write(job_id, "b")
    await expect(card.locator("pre")).to_have_text("ab")
    await expect(card.locator("pre")).to_have_attribute("data-own", "ab")
    await expect(page.get_by_role("status")).to_have_count(0)
