"""The outbox of a page that ends at any point of a send, and of tabs that share it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Route, expect

from longwire import WebSocketClient
from tests.browser.board_site import ROOM, BoardSite, CardRemark
from tests.browser.conftest import OpenPage
from tests.proxy import Proxy

pytestmark = pytest.mark.timeout(120)

# The points of a send at which the page can end, in their order. At `appended`, the event is in the
# log and the answer is on its way.
POINTS = [
    "stored",
    "before marking",
    "marking",
    "marked",
    "before sending",
    "sent",
    "appended",
    "answered",
    "before deleting",
    "deleting",
]

# Stops the page at one point for good: a synchronous request that is never answered blocks it.
HALT = """
window.halt = (point) => {
  if (point !== window.haltAt) return;
  const request = new XMLHttpRequest();
  request.open("GET", "/halt", false);
  request.send();
};
let written = 0;
const transaction = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  const started = transaction.call(this, stores, mode, options);
  if (mode === "readwrite") {
    const name = ["stored", "marked"][written++];
    started.addEventListener("complete", () => halt(name));
  }
  return started;
};
for (const [method, doing] of [["put", "marking"], ["delete", "deleting"]]) {
  const original = IDBObjectStore.prototype[method];
  IDBObjectStore.prototype[method] = function (...args) {
    halt(`before ${doing}`);
    const request = original.apply(this, args);
    halt(doing);
    return request;
  };
}
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  const isPublish = String(data).includes('["publish"');
  if (isPublish) halt("before sending");
  send.call(this, data);
  if (isPublish) halt("sent");
};
const Original = WebSocket;
window.WebSocket = class extends Original {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => {
      // An answer to a join ends with "recovered".
      if (/^43\\d+\\[.*"offset":\\d+\\}\\]$/.test(data)) halt("answered");
    });
  }
};
"""


class Log:
    """The remarks in the log of the board, in order."""

    def __init__(self, client: WebSocketClient) -> None:
        self.remarks: list[str] = []
        self._changed = asyncio.Event()
        client.on(CardRemark, self._receive)

    def _receive(self, remark: CardRemark) -> None:
        self.remarks.append(remark.text)
        self._changed.set()

    async def until(self, remarks: list[str]) -> None:
        """Wait until the log has as many remarks, and compare them."""
        async with asyncio.timeout(30):
            while len(self.remarks) < len(remarks):
                self._changed.clear()
                await self._changed.wait()
        assert self.remarks == remarks


@pytest_asyncio.fixture(loop_scope="session")
async def log(board: BoardSite) -> AsyncIterator[Log]:
    async with board.client() as client:
        log = Log(client)
        await client.join_room(ROOM)
        yield log


@pytest_asyncio.fixture(loop_scope="session")
async def board_proxy(board: BoardSite) -> AsyncIterator[Proxy]:
    async with Proxy(board.url) as proxy:
        yield proxy


async def shows(page: Page, text: str) -> None:
    remarks = page.get_by_role("region", name="Remarks").locator("p").first
    await expect(remarks).to_have_text(text)


async def click(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def goes_online(page: Page) -> None:
    await expect(page.get_by_role("status")).to_have_text("connected")


async def goes_offline(page: Page, proxy: Proxy) -> None:
    proxy.refuse()
    proxy.cut()
    await expect(page.get_by_role("status")).to_have_text("reconnecting")


async def halt_at(page: Page, point: str) -> asyncio.Event:
    """Make a loaded page stop at a point; the event is set when it is there."""
    reached = asyncio.Event()

    def hold(route: Route) -> None:
        reached.set()

    await page.route("**/halt", hold)
    await page.evaluate("(point) => void (window.haltAt = point)", point)
    return reached


async def end(page: Page) -> BrowserContext:
    """End a page that may be blocked; return the context, in which its database remains."""
    context = page.context
    await page.close()
    return context


@pytest.mark.parametrize("point", POINTS)
async def test_a_page_that_ends_at_any_point_has_published_once(
    point: str, open_page: OpenPage, board: BoardSite, board_proxy: Proxy, log: Log
) -> None:
    page = await open_page()
    await page.add_init_script(HALT)
    address = board.address(url=board_proxy.url)
    await page.goto(address)
    await goes_online(page)
    await shows(page, "0 pending, 0 failed, in indexeddb")
    reached = await halt_at(page, point)

    if point == "appended":
        board_proxy.mute()
        await click(page, "Remark")
        await log.until(["hello"])
    else:
        # The click itself may not be reported any more by a page that has stopped.
        clicking = asyncio.create_task(click(page, "Remark"))
        await asyncio.wait_for(reached.wait(), 30)
        clicking.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await clicking
    context = await end(page)
    board_proxy.cut()
    board_proxy.thaw()

    next_page = await open_page(context)
    await next_page.goto(address)
    await goes_online(next_page)
    await log.until(["hello"])
    await shows(next_page, "0 pending, 0 failed, in indexeddb")
    await click(next_page, "Remark twice")
    await log.until(["hello", "first", "second"])


async def test_remarks_made_offline_outlive_the_page_and_keep_their_order(
    open_page: OpenPage, board: BoardSite, board_proxy: Proxy, log: Log
) -> None:
    page = await open_page()
    address = board.address(url=board_proxy.url)
    await page.goto(address)
    await goes_online(page)
    await goes_offline(page, board_proxy)
    await click(page, "Remark")
    await shows(page, "1 pending, 0 failed, in indexeddb")
    await click(page, "Remark twice")
    await shows(page, "3 pending, 0 failed, in indexeddb")
    context = await end(page)

    board_proxy.accept()
    next_page = await open_page(context)
    await next_page.goto(address)
    await log.until(["hello", "first", "second"])
    await shows(next_page, "0 pending, 0 failed, in indexeddb")


async def test_one_of_several_tabs_sends_and_another_takes_over(
    open_page: OpenPage, board: BoardSite, board_proxy: Proxy, log: Log
) -> None:
    first = await open_page()
    tabs = [first, await open_page(first.context), await open_page(first.context)]
    for tab in tabs:
        await tab.goto(board.address(url=board_proxy.url))
        await goes_online(tab)
    for tab in tabs:
        await goes_offline(tab, board_proxy)
    for number, tab in enumerate(tabs, 1):
        await click(tab, "Remark")
        for each in tabs:
            await shows(each, f"{number} pending, 0 failed, in indexeddb")
    await first.close()
    board_proxy.accept()
    await log.until(["hello"] * 3)
    for tab in tabs[1:]:
        await shows(tab, "0 pending, 0 failed, in indexeddb")
    assert log.remarks == ["hello"] * 3


async def test_a_user_does_not_send_what_another_one_left(
    open_page: OpenPage, board: BoardSite, board_proxy: Proxy, log: Log
) -> None:
    page = await open_page()
    await page.goto(board.address("ada", url=board_proxy.url))
    await goes_online(page)
    await goes_offline(page, board_proxy)
    await click(page, "Remark")
    await shows(page, "1 pending, 0 failed, in indexeddb")
    context = await end(page)
    board_proxy.accept()

    other = await open_page(context)
    await other.goto(board.address("grace", url=board_proxy.url))
    await goes_online(other)
    await click(other, "Remark twice")
    await log.until(["first", "second"])
    await shows(other, "0 pending, 0 failed, in indexeddb")
    await other.close()

    again = await open_page(context)
    await again.goto(board.address("ada", url=board_proxy.url))
    await log.until(["first", "second", "hello"])
