"""The examples' pages, built and served as their users do, beside the FastAPI example."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Page

from longwire import Server
from tests.proxy import Proxy
from tests.serving import SECRET, serving

ROOT = Path(__file__).resolve().parents[2]
LOCAL = re.compile(rb"Local: +(http://[^/\s]+)")

# Puts down what a reader sees from the first paint on: progress, and trouble with the connection.
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
        url: where its page is.
        server: the Longwire server that the page talks to.
        link: what lies between the page and the server.
    """

    def __init__(self, url: str, server: Server, link: Proxy) -> None:
        self.url = url
        self.server = server
        self.link = link


@contextlib.asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch, name: str, *command: str
) -> AsyncIterator[Example]:
    """Serve the built example `name` with a command of its folder, and FastAPI's example."""
    monkeypatch.setenv("LONGWIRE_SECRET", SECRET)
    async with contextlib.AsyncExitStack() as stack:
        # The page has to know the server's address, and the server the page's: the link is first.
        link = await stack.enter_async_context(Proxy("http://127.0.0.1:9"))
        url = await stack.enter_async_context(_page(name, link.url, command))
        monkeypatch.setenv("LONGWIRE_ORIGINS", url)
        monkeypatch.delitem(sys.modules, "examples.fastapi_app", raising=False)
        shop: Any = importlib.import_module("examples.fastapi_app")
        server = urlsplit(await stack.enter_async_context(serving(shop.app)))
        link.upstream = (server.hostname, server.port)
        yield Example(url, shop.server, link)


@contextlib.asynccontextmanager
async def _page(name: str, server: str, command: tuple[str, ...]) -> AsyncIterator[str]:
    program, *arguments = command
    process = await asyncio.create_subprocess_exec(
        *(ROOT / "node_modules" / ".bin" / program, *arguments, "--port", "0"),
        cwd=ROOT / "examples" / name,
        env={
            **os.environ,
            "LONGWIRE_URL": server,
            "NEXT_TELEMETRY_DISABLED": "1",
            "NO_COLOR": "1",  # or an address comes in two colours, as soon as CI is set
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        yield await _address(process.stdout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def _address(output: asyncio.StreamReader) -> str:
    said = b""
    async for line in output:
        said += line
        found = LOCAL.search(line)
        if found:
            return found[1].decode()
    raise AssertionError(f"the example did not start; was it built? {said.decode()}")


def console_of(page: Page) -> list[str]:
    """What the page writes to the console as a warning or an error, from now on."""
    written: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            written.append(message.text)

    page.on("console", note)
    return written


async def seen(page: Page) -> list[str]:
    """What the page has shown since it was loaded, without repetitions; needs `WATCH`."""
    states: list[str] = await page.evaluate("window.seen")
    return [state for n, state in enumerate(states) if state not in states[:n]]
