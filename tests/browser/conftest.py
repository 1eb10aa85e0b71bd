"""Real Chromium, the system's own, started once for all of these tests."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from longwire import Server, jwt_authenticator
from longwire.engineio import Options
from longwire.server.limits import Limits
from longwire.web import create_app
from tests.browser.command import HundredLines
from tests.browser.looking import LISTEN
from tests.browser.site import Site
from tests.browser.stage import Stage
from tests.proxy import Proxy
from tests.serving import SECRET, ServerProcess, serving

HERE = Path(__file__).parent

# A loaded machine takes its time; what is awaited comes long before.
expect.set_options(timeout=15_000)

QUIET = [
    "--no-sandbox",  # root has no other way
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--font-render-hinting=none",
    # Every page here is looked at, also the one that is not in front.
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
]

OpenPage = Callable[..., Awaitable[Page]]
"""Opens a page in a profile of its own, or in the given one; takes a profile's options."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests here share one loop, and with it one browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(60))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    chromium = next(filter(None, found), None)
    assert chromium is not None, "Chromium is missing: make setup"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens pages that must neither throw nor break the content security policy."""
    faults: list[str] = []

    def notice(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    async with contextlib.AsyncExitStack() as stack:

        async def open_page(context: BrowserContext | None = None, **options: Any) -> Page:
            if context is None:
                context = await browser.new_context(**options)
                stack.push_async_callback(context.close)
            page = await context.new_page()
            await page.add_init_script(LISTEN)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", notice)
            page.set_default_timeout(10_000)
            return page

        yield open_page
    assert faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    return await open_page()


@pytest.fixture
def site(running_server: ServerProcess) -> Site:
    """`longwire serve`."""
    return Site(running_server.url)


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    """A link to the site that can fail."""
    async with Proxy(site.url) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="session")
async def alert_site() -> AsyncIterator[Site]:
    """A site that notices within a second what others notice within a minute."""
    server = Server(
        authenticate=jwt_authenticator(SECRET),
        options=Options(ping_interval=0.4, ping_timeout=0.4),
        limits=Limits(token_grace=0.1),
    )
    async with serving(create_app(server)) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session")
async def run(site: Site, tmp_path: Path) -> AsyncIterator[HundredLines]:
    """A command that runs as a live job at the site."""
    run = HundredLines(f"hundred-{uuid.uuid4()}", tmp_path / "gate")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(run.close)
        await run.start(site.url)
        yield run


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A server of its own: what it shows depends on nobody else."""
    with ServerProcess("--broker=memory:") as server:
        stage = Stage(Site(server.url))
        await stage.set()
        yield stage
