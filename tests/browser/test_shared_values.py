"""Two tabs that change the same values, with real lost connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from longwire import WebSocketClient
from tests.browser.board_site import (
    ROOM,
    BoardSite,
    CardDescribed,
    CardMoved,
)
from tests.browser.conftest import OpenPage
from tests.proxy import Proxy

pytestmark = pytest.mark.timeout(120)


class Tab:
    """A page of one user, on a connection of its own."""

    def __init__(self, page: Page, proxy: Proxy) -> None:
        self.page = page
        self.proxy = proxy

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name)

    async def click(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def shows(self, section: str, text: str) -> None:
        await expect(self.section(section).locator("p").first).to_have_text(text)

    async def go_offline(self) -> None:
        self.proxy.refuse()
        self.proxy.cut()
        await expect(self.page.get_by_role("status")).to_have_text("reconnecting")

    async def go_online(self) -> None:
        self.proxy.accept()
        await expect(self.page.get_by_role("status")).to_have_text("connected")


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(open_page: OpenPage, board: BoardSite) -> AsyncIterator[list[Tab]]:
    """The pages of two users, connected."""
    async with contextlib.AsyncExitStack() as stack:
        tabs: list[Tab] = []
        for user in ("ada", "grace"):
            proxy = await stack.enter_async_context(Proxy(board.url))
            tab = Tab(await open_page(), proxy)
            await tab.page.goto(board.address(user, url=proxy.url))
            await expect(tab.page.get_by_role("status")).to_have_text("connected")
            tabs.append(tab)
        yield tabs


async def value_of(
    client: WebSocketClient, kind: type[CardMoved] | type[CardDescribed]
) -> CardMoved | CardDescribed:
    """Return the newest event in the log, as a client that joins now receives it."""
    async for event in client.events(kind, room=ROOM):
        return event
    raise AssertionError("the stream ended")


async def test_a_conflict_is_shown_and_resolved(tabs: list[Tab], board: BoardSite) -> None:
    one, two = tabs
    await one.click("Move to doing")
    for tab in tabs:
        await tab.shows("Place", "In doing")

    await one.go_offline()
    await one.click("Move to dropped")
    await one.shows("Place", "In dropped, saving")
    await two.click("Move to done")
    await two.shows("Place", "In done")
    await one.shows("Place", "In dropped, saving")

    await one.go_online()
    await one.shows("Place", "In done")
    alert = one.section("Place").get_by_role("alert")
    await expect(alert).to_contain_text("Mine: dropped. Theirs: done. Before: doing.")
    await two.shows("Place", "In done")

    await one.click("Use mine")
    await expect(alert).to_be_hidden()
    for tab in tabs:
        await tab.shows("Place", "In dropped")
    async with board.client() as client:
        moved = await value_of(client, CardMoved)
    assert isinstance(moved, CardMoved)
    assert moved.column == "dropped"


async def test_patches_and_counts_of_both_are_kept(tabs: list[Tab], board: BoardSite) -> None:
    one, two = tabs
    await two.click("Set the note")
    await one.shows("Description", "Title: none. Note: Green. Votes: 0")

    await one.go_offline()
    await one.click("Set the title")
    for _ in range(3):
        await one.click("Vote")
    await one.shows("Description", "Title: Tea. Note: Green. Votes: 3, saving")
    await two.click("Remove the note")
    for _ in range(2):
        await two.click("Vote")
    await two.shows("Description", "Title: none. Note: none. Votes: 2")

    await one.go_online()
    for tab in tabs:
        await tab.shows("Description", "Title: Tea. Note: none. Votes: 5")
    async with board.client() as client:
        described = await value_of(client, CardDescribed)
    assert isinstance(described, CardDescribed)
    assert (described.title, described.votes) == ("Tea", 5)
    assert not described.note


async def test_both_vote_at_once(tabs: list[Tab]) -> None:
    for _ in range(5):
        await asyncio.gather(*(tab.click("Vote") for tab in tabs))
    for tab in tabs:
        await tab.shows("Description", "Title: none. Note: none. Votes: 10")


async def test_a_change_whose_answer_is_lost_is_published_once(
    tabs: list[Tab], board: BoardSite
) -> None:
    one, two = tabs
    one.proxy.mute()
    await one.click("Vote")
    await two.shows("Description", "Title: none. Note: none. Votes: 1")
    one.proxy.cut()
    one.proxy.thaw()
    await one.shows("Description", "Title: none. Note: none. Votes: 1")
    async with board.client() as client:
        described = await value_of(client, CardDescribed)
    assert isinstance(described, CardDescribed)
    assert described.votes == 1
