"""The page shows a command under `longwire run`."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.command import HundredLines
from tests.browser.conftest import OpenPage
from tests.browser.expectations import expect_lines, output
from tests.browser.site import Site


def address(site: Site, run: HundredLines) -> str:
    return site.address(f"/jobs/{run.job_id}", user="worker", service=True)


async def test_a_page_shows_a_running_command_live(
    page: Page, run: HundredLines, site: Site
) -> None:
    await page.goto(address(site, run))
    await expect(output(page)).to_contain_text("begin")

    run.step(10)
    await expect_lines(page, 10)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "10")

    run.step(90)
    await expect_lines(page, 100)
    assert await run.exit_code() == 0
    await expect(page.get_by_text("Completed").first).to_be_visible()


async def test_a_page_opened_halfway_shows_everything(
    page: Page, run: HundredLines, site: Site
) -> None:
    run.step(50)
    await page.goto(address(site, run))
    await expect_lines(page, 50)

    run.step(50)
    await expect_lines(page, 100)


async def test_a_reload_neither_loses_nor_repeats_lines(
    page: Page, run: HundredLines, site: Site
) -> None:
    await page.goto(address(site, run))
    run.step(30)
    await expect_lines(page, 30)

    run.step(10)
    await page.reload()
    run.step(10)

    await expect_lines(page, 50)


async def test_two_tabs_show_the_same_and_one_survives_the_other(
    page: Page, open_page: OpenPage, run: HundredLines, site: Site
) -> None:
    other = await open_page(page.context)
    await page.goto(address(site, run))
    await other.goto(address(site, run))
    run.step(20)
    await expect_lines(page, 20)
    await expect_lines(other, 20)

    await page.close()
    run.step(20)

    await expect_lines(other, 40)


async def test_the_cancel_button_asks_for_confirmation_and_stops_the_command(
    page: Page, run: HundredLines, site: Site
) -> None:
    await page.goto(address(site, run))
    await expect(output(page)).to_contain_text("begin")
    cancel = page.get_by_role("button", name="Cancel job")

    await cancel.press("Enter")
    await expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(cancel).to_be_focused()
    await cancel.click()
    await page.get_by_role("button", name="Stop it").click()

    await expect(cancel).to_be_hidden()
    await expect(page.get_by_text("Cancelled").first).to_be_visible()
    assert await run.exit_code() != 0
