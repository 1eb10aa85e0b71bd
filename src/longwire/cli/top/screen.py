"""Shows pages of the admin interface until the user ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Generator
from typing import Final

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from longwire.cli.connection import Unreachable
from longwire.cli.signals import handle_stop_signals
from longwire.cli.top.pages import Pages
from longwire.cli.top.tables import VIEWS, draw

KEYS: Final = {name[0]: name for name in VIEWS}
"""The key of each view: its first letter."""

QUIT: Final = "q"
PAUSE: Final = " "


class Query(msgspec.Struct, frozen=True):
    """The parameters of the pages; "" is the default of the view."""

    sort: str
    limit: int
    search: str

    def for_view(self, view: str, *, is_first: bool) -> dict[str, str]:
        """Return the parameters of a view; a sort belongs to the view that it was given for."""
        sort = (self.sort if is_first else "") or VIEWS[view].sort
        search = {"prefix" if view == "rooms" else "q": self.search}
        return {} if view == "overview" else {"sort": sort, "limit": str(self.limit)} | search


async def print_once(pages: Pages, view: str, query: Query, console: Console | None) -> None:
    """Print one page: as JSON, or as a table on the console."""
    body = await pages.fetch(view, query.for_view(view, is_first=True))
    if console is None:
        sys.stdout.buffer.write(body + b"\n")
        return
    console.print(draw(view, body, console.width, None, time.time()))


async def show(pages: Pages, view: str, query: Query, interval: float) -> int:
    """Show pages until the user ends it; return the exit code."""
    console = Console()
    screen = _Screen(pages, view, query, console)
    await screen.fetch()  # a failure now is reported like that of any command
    with handle_stop_signals() as stop, _keys(screen.press):
        try:
            with Live(
                console=console, screen=True, auto_refresh=False, redirect_stderr=False
            ) as live:
                await screen.run(live, interval)
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return stop.exit_code


class _Screen:
    """The state of the screen: the view, its newest page, and the reason if that is old."""

    def __init__(self, pages: Pages, view: str, query: Query, console: Console) -> None:
        self._pages = pages
        self._first = self._view = view
        self._query = query
        self._console = console
        self._body = b""
        self._shown = view
        self._trouble = ""
        self._is_paused = False
        self._is_over = False
        self._changed = asyncio.Event()

    async def fetch(self) -> None:
        """Fetch the page of the view."""
        view = self._view
        query = self._query.for_view(view, is_first=view == self._first)
        self._body = await self._pages.fetch(view, query)
        self._shown = view

    def press(self, key: str) -> None:
        """Handle a key."""
        if key == QUIT:
            self._is_over = True
        elif key == PAUSE:
            self._is_paused = not self._is_paused
        elif key in KEYS:
            self._view = KEYS[key]
        else:
            return
        self._changed.set()

    async def run(self, live: Live, interval: float) -> None:
        """Draw the page, wait, and fetch the next one, until the user ends it."""
        while not self._is_over:
            if not self._is_paused or self._view != self._shown:
                await self._refresh()
            live.update(self._draw(), refresh=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._changed.wait()
            self._changed.clear()

    async def _refresh(self) -> None:
        try:
            await self.fetch()
            self._trouble = ""
        except Unreachable as error:
            self._trouble = str(error)

    def _draw(self) -> RenderableType:
        width, height = self._console.size
        head = Text(no_wrap=True, overflow="ellipsis")
        head.append("longwire top", style="bold")
        head.append(f"  {self._pages.url}  {time.strftime('%H:%M:%S')}", style="dim")
        if self._is_paused:
            head.append("  paused", style="bold")
        parts: list[RenderableType] = [head, _menu(self._shown)]
        if self._trouble:
            text = f"old data: {self._trouble}"
            parts.append(Text(text, style="bold yellow", no_wrap=True, overflow="ellipsis"))
        room = height - len(parts) - (6 if self._shown == "overview" else 0)
        parts.append(draw(self._shown, self._body, width, room, time.time()))
        return Group(*parts)


def _menu(view: str) -> Text:
    menu = Text(no_wrap=True, overflow="ellipsis")
    for key, name in KEYS.items():
        menu.append(f"[{key}]{name[1:]}", style="bold reverse" if name == view else "")
        menu.append("  ")
    return menu.append("[space] pause  [q]uit", style="dim")


@contextlib.contextmanager
def _keys(press: Callable[[str], None]) -> Generator[None]:
    """Call back for each key that is pressed during the body, if stdin is a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        for key in os.read(descriptor, 64).decode("utf-8", "replace"):
            press(key)

    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, read)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
