"""Serves the built example pages together with the FastAPI example."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Page

from longwire import Job, Server
from tests.browser.node_server import ROOT, node_server
from tests.proxy import Proxy
from tests.serving import SECRET, serving

# Records what the page shows from the first paint on: progress and connection problems.
WATCH = """
window.seen = [];
new MutationObserver(() => {
  const bar = document.querySelector("progress");
  const notice = document.querySelector("[data-longwire=connection-status]");
  const trouble = /lost|refused|Not connected/.exec(notice?.textContent ?? "")?.[0];
  if (bar) window.seen.push(trouble ?? bar.getAttribute("value"));
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""


class Example:
    """A running example.

    Attributes:
        url: the URL of the page.
        server: the Longwire server of the page.
        link: the proxy between the page and the server.
    """

    def __init__(self, url: str, server: Server, link: Proxy) -> None:
        self.url = url
        self.server = server
        self.link = link

    @contextlib.asynccontextmanager
    async def start_job(self) -> AsyncIterator[Job]:
        """Run a job of ada's that has published some progress and output."""
        async with self.server.job(owner="ada", title="About tea") as job:
            await job.progress(20, "Boiling water")
            await job.output("It was a dark\n", type="writing")
            yield job


@contextlib.asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch, name: str, *command: str
) -> AsyncIterator[Example]:
    """Serve the built example `name` with a command of its folder, and the FastAPI example."""
    monkeypatch.setenv("LONGWIRE_SECRET", SECRET)
    async with contextlib.AsyncExitStack() as stack:
        # Page and server need each other's URL, so the proxy between them is started first.
        link = await stack.enter_async_context(Proxy("http://127.0.0.1:9"))
        page = node_server(
            *command,
            cwd=ROOT / "examples" / name,
            LONGWIRE_URL=link.url,
            NEXT_TELEMETRY_DISABLED="1",
        )
        url = await stack.enter_async_context(page)
        monkeypatch.setenv("LONGWIRE_ORIGINS", url)
        monkeypatch.delitem(sys.modules, "examples.fastapi_app", raising=False)
        shop: Any = importlib.import_module("examples.fastapi_app")
        server = urlsplit(await stack.enter_async_context(serving(shop.app)))
        link.upstream = (server.hostname, server.port)
        yield Example(url, shop.server, link)


def console_of(page: Page) -> list[str]:
    """Return a list that collects the page's console warnings and errors."""
    written: list[str] = []

    def collect(message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            written.append(message.text)

    page.on("console", collect)
    return written


async def seen(page: Page) -> list[str]:
    """Return the states that the page has shown since it was loaded; needs `WATCH`."""
    states: list[str] = await page.evaluate("window.seen")
    return [state for n, state in enumerate(states) if state not in states[:n]]
