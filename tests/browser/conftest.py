"""Runs the system's Chromium, once for all browser tests."""

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
from longwire.engineio.server import Options
from longwire.server.limits import Limits
from longwire.web import create_app
from tests.browser.board_site import BoardSite, build_page, running_board
from tests.browser.command import HundredLines
from tests.browser.expectations import LISTEN
from tests.browser.sample_data import SampleData
from tests.browser.site import Site
from tests.proxy import Proxy
from tests.serving import SECRET, ServerProcess, serving

HERE = Path(__file__).parent

# Generous, for machines under load.
expect.set_options(timeout=15_000)

QUIET = [
    "--no-sandbox",  # required for root
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--font-render-hinting=none",
    # Tests look at background pages too.
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
]

OpenPage = Callable[..., Awaitable[Page]]
"""Opens a page in a new browser context with the given options, or in the given context."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all browser tests on one event loop, so that they share one browser."""
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
    """Open pages; fail if one throws an error or violates the content security policy."""
    faults: list[str] = []

    def check(message: ConsoleMessage) -> None:
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
            page.on("console", check)
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
    """A breakable connection to the site."""
    async with Proxy(site.url) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="session")
async def alert_site() -> AsyncIterator[Site]:
    """A site with short heartbeats and token grace."""
    server = Server(
        authenticate=jwt_authenticator(SECRET),
        options=Options(ping_interval=0.4, ping_timeout=0.4),
        limits=Limits(token_grace=0.1),
    )
    async with serving(create_app(server)) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session")
async def run(site: Site, tmp_path: Path) -> AsyncIterator[HundredLines]:
    """A command that runs as a live job on the site."""
    run = HundredLines(f"hundred-{uuid.uuid4()}", tmp_path / "gate")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(run.close)
        await run.start(site.url)
        yield run


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sample() -> AsyncIterator[SampleData]:
    """A separate server with sample data, which other tests do not change."""
    with ServerProcess("--broker=memory:") as server:
        sample = SampleData(Site(server.url))
        await sample.publish_all()
        yield sample


@pytest.fixture(scope="session")
def board_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_page(tmp_path_factory.mktemp("board"))


@pytest_asyncio.fixture(loop_scope="session")
async def board(board_page: Path) -> AsyncIterator[BoardSite]:
    async with running_board(board_page) as board:
        yield board
