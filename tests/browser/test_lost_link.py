"""The page while its connection is cut or dead."""

from __future__ import annotations

from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.command import HundredLines
from tests.browser.expectations import expect_lines, expect_live, expect_spoken, output
from tests.browser.site import Site
from tests.proxy import Proxy


async def test_a_page_catches_up_after_a_cut(
    page: Page, run: HundredLines, site: Site, proxy: Proxy
) -> None:
    address = site.address(f"/jobs/{run.job_id}", user="worker", service=True, url=proxy.url)
    await page.goto(address)
    run.step(20)
    await expect_lines(page, 20)

    proxy.refuse()
    proxy.cut()
    run.step(20)
    await expect(page.get_by_text("Reconnecting").first).to_be_visible()
    await expect_spoken(page, "Connection lost.")
    proxy.accept()
    await retry_now(page)

    await expect_lines(page, 40)
    await expect_spoken(page, "Back online, and up to date.")


async def test_a_short_interruption_is_not_shown(
    page: Page, run: HundredLines, site: Site, proxy: Proxy
) -> None:
    """Within the grace time, nothing flickers and nothing is announced."""
    address = site.address(f"/jobs/{run.job_id}", user="worker", service=True, url=proxy.url)
    await page.goto(address)
    await expect(output(page)).to_contain_text("begin")
    await page.evaluate(WATCH_NOTICES)

    proxy.cut()
    run.step(20)
    await expect_lines(page, 20)

    await expect_live(page)
    assert await page.evaluate("window.notices") == 0


WATCH_NOTICES = """() => {
  window.notices = 0;
  const watch = new MutationObserver(() => {
    if (document.querySelector(".notice:not([data-state=quiet])")) window.notices++;
  });
  watch.observe(document.body, { childList: true, subtree: true });
}"""


async def test_a_dead_connection_is_shown_and_recovered(page: Page, alert_site: Site) -> None:
    job_id = f"dead-link-{uuid4()}"
    await alert_site.start_job(job_id, "Behind a dead link")
    async with Proxy(alert_site.url) as proxy:
        await page.goto(alert_site.address(f"/jobs/{job_id}", url=proxy.url))
        await alert_site.write(job_id, "line 1\n1%\n")
        await expect_lines(page, 1)

        proxy.freeze()
        await alert_site.write(job_id, "line 2\n2%\n")
        await expect(page.get_by_role("banner")).to_contain_text("Reconnecting")
        proxy.thaw()

        await expect_live(page)
        await expect_lines(page, 2)


async def test_a_cancel_pressed_offline_is_sent_once_later(
    page: Page, site: Site, proxy: Proxy
) -> None:
    job_id = f"offline-{uuid4()}"
    await site.start_job(job_id, "Cancelled from a train")
    sent: list[str] = []
    page.on("websocket", lambda link: link.on("framesent", lambda data: sent.append(str(data))))
    await page.goto(site.address(f"/jobs/{job_id}", url=proxy.url))
    await expect_live(page)

    proxy.refuse()
    proxy.cut()
    await expect(page.get_by_role("banner")).to_contain_text("Reconnecting")
    await page.get_by_role("button", name="Cancel job").click()
    await page.get_by_role("button", name="Stop it").click()
    waiting = page.get_by_role("button", name="Stops when back online")
    await expect(waiting).to_have_attribute("aria-disabled", "true")
    await expect(waiting).to_be_focused()
    proxy.accept()
    await retry_now(page)

    await expect(page.get_by_role("button", name="Stopping…")).to_be_visible()
    assert len([frame for frame in sent if "job:cancel" in frame]) == 1


async def test_a_page_survives_repeated_cuts(page: Page, site: Site, proxy: Proxy) -> None:
    job_id = f"cuts-{uuid4()}"
    await site.start_job(job_id, "Through thick and thin")
    await page.goto(site.address(f"/jobs/{job_id}", url=proxy.url))
    await page.evaluate("window.isSamePage = true")
    for number in (1, 2):
        proxy.cut()
        await site.write(job_id, f"line {number}\n{number}%\n")
        await expect_lines(page, number)
    assert await page.evaluate("window.isSamePage")


async def retry_now(page: Page) -> None:
    """Click the button, unless the page has already reconnected."""
    button = page.get_by_role("button", name="Retry now")
    await button.evaluate_all("buttons => buttons.forEach((button) => button.click())")
