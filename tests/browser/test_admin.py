"""The admin page in Chromium, with a server that has clients, rooms and jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from longwire import issue_token
from tests.browser.conftest import OpenPage
from tests.browser.operated_site import OPERATOR, RUNNING, SLOW, OperatedSite, operated_site
from tests.browser.test_views import NARROW, expect_no_violations
from tests.proxy import Proxy
from tests.serving import SECRET

# Each view, and a text that it shows once it has data.
VIEWS = {
    "": "Published by event",
    "nodes": "serving",
    "connections": SLOW,
    "rooms": f"job:{RUNNING}",
    f"room?name=job:{RUNNING}": "Checking links",
    "jobs?sort=-progress": "Spring launch",
    "health": "Is it us or them?",
    "contracts": "Options in force",
    "audit": "The server restarts",
    "rooms?prefix=nothing": "No room with a reader",
    "elsewhere": "There is no such view",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operated() -> AsyncIterator[OperatedSite]:
    async with operated_site() as site:
        yield site


async def show(page: Page, site: OperatedSite, view: str) -> None:
    await page.goto(site.address(view))
    await expect(page.get_by_role("main")).to_contain_text(VIEWS[view])


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_is_accessible(open_page: OpenPage, operated: OperatedSite, view: str) -> None:
    """axe finds no violation in light and dark, and the page never scrolls sideways."""
    page = await open_page(reduced_motion="reduce")
    await show(page, operated, view)
    await expect_no_violations(page)
    for width in (1280, 1030, 800, NARROW["width"]):
        await page.set_viewport_size({"width": width, "height": 640})
        assert await page.evaluate("document.documentElement.scrollWidth") == width
    await expect_no_violations(page)


async def test_a_stalled_reader_is_found_and_followed(page: Page, operated: OperatedSite) -> None:
    await show(page, operated, "connections")
    first = page.get_by_role("row").nth(1)
    await expect(first).to_contain_text(SLOW)
    await expect(first).to_contain_text("stalled")
    await first.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(SLOW)
    assert "/_longwire/connection?id=" in page.url
    room = page.get_by_role("table", name="Rooms").get_by_role("link", name=f"job:{RUNNING}")
    await room.click()
    readers = page.get_by_role("table", name="Readers").get_by_role("row")
    await expect(readers.nth(1)).to_contain_text("catching up")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text(SLOW)


async def test_sorting_and_searching_are_in_the_address(page: Page, operated: OperatedSite) -> None:
    await show(page, operated, "connections")
    await page.get_by_role("columnheader", name="Rooms").get_by_role("link").click()
    await expect(page).to_have_url(f"{operated.url}/_longwire/connections?sort=-rooms")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("farid")
    await page.get_by_role("searchbox").fill("chi")
    await expect(page).to_have_url(f"{operated.url}/_longwire/connections?sort=-rooms&q=chi")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.reload()
    await expect(page.get_by_role("searchbox")).to_have_value("chi")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("chidi")


async def test_a_paused_page_stays_as_it_is(page: Page, operated: OperatedSite) -> None:
    await show(page, operated, "")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("banner")).to_contain_text("Paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.get_by_role("link", name="Nodes", exact=True).first.click()
    await expect(page.get_by_role("main")).to_contain_text("serving")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("banner")).to_contain_text("Live")
    assert asked[0].endswith("/_longwire/api/nodes")


async def test_old_data_stays_and_is_marked(page: Page, operated: OperatedSite) -> None:
    async with Proxy(operated.url) as proxy:
        await page.goto(operated.address("nodes", url=proxy.url))
        await expect(page.get_by_role("main")).to_contain_text("serving")
        proxy.refuse()
        proxy.cut()
        await expect(page.get_by_role("banner")).to_contain_text("No answer")
        await expect(page.get_by_role("status").filter(has_text="Old data")).to_be_visible()
        await expect(page.get_by_role("main")).to_contain_text("serving")
        proxy.accept()
        await expect(page.get_by_role("banner")).to_contain_text("Live")
        await expect(page.get_by_text("Old data")).to_be_hidden()


async def test_an_operator_signs_in_and_continues_where_the_address_leads(
    open_page: OpenPage, operated: OperatedSite
) -> None:
    page = await open_page(reduced_motion="reduce")
    await page.goto(f"{operated.url}/_longwire/nodes")
    field = page.get_by_label("Access token")
    await expect(field).to_be_focused()
    await expect_no_violations(page)
    await field.fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert").filter(has_text="token")).to_be_visible()
    await page.get_by_label("Access token").fill(issue_token(SECRET, OPERATOR))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Nodes")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("serving")


async def test_another_user_sees_no_data(open_page: OpenPage, operated: OperatedSite) -> None:
    page = await open_page(reduced_motion="reduce")
    await page.goto(operated.address("connections", user="ada"))
    await expect(page.get_by_role("main")).to_contain_text("You may not see this page")
    await expect(page.get_by_role("banner")).to_contain_text("No access")
    await expect_no_violations(page)


async def test_an_operator_cancels_a_job(open_page: OpenPage, operated: OperatedSite) -> None:
    page = await open_page(reduced_motion="reduce")
    await page.goto(operated.address("jobs?q=translation-07"))
    row = page.get_by_role("row").filter(has_text="Translate page 7")
    await row.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Leave it")).to_be_focused()
    await expect_no_violations(page)
    await page.get_by_role("button", name="Stop it").click()
    await expect(page.get_by_text("The job was asked to stop.").first).to_be_visible()
    await expect(row).to_contain_text("Stopping")
    await page.get_by_role("link", name="Audit").click()
    await expect(page.get_by_role("row").nth(1)).to_contain_text(f"{OPERATOR}canceljob:")


async def test_an_operator_disconnects_a_client(page: Page, operated: OperatedSite) -> None:
    await page.goto(operated.address("connections?q=farid"))
    await page.get_by_role("link", name="farid").click()
    await page.get_by_role("button", name="Disconnect").click()
    await page.get_by_role("group").get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("main")).to_contain_text("Not found")


async def test_the_keyboard_reaches_a_row(page: Page, operated: OperatedSite) -> None:
    await show(page, operated, "rooms")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    link = page.get_by_role("table").get_by_role("link", name="job:", exact=False).first
    while not await link.evaluate("(element) => element === document.activeElement"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("job:")
