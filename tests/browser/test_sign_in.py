"""Signing in to the page and out."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.expectations import expect_live
from tests.serving import ServerProcess


async def test_the_page_asks_for_a_token(page: Page, running_server: ServerProcess) -> None:
    await page.goto(running_server.url)
    await page.get_by_label("Access token").fill(running_server.token("grace"))
    await page.keyboard.press("Enter")
    await expect_live(page, "grace")
    await expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


async def test_a_wrong_token_is_rejected_with_a_message(
    page: Page, running_server: ServerProcess
) -> None:
    await page.goto(f"{running_server.url}/#token=wrong")
    await expect(page.get_by_role("alert").first).to_contain_text("does not accept this token")
    await page.get_by_label("Access token").fill(running_server.token("grace"))
    await page.get_by_role("button", name="Sign in").click()
    await expect_live(page, "grace")


async def test_the_token_is_removed_from_the_url_and_survives_a_reload(
    page: Page, running_server: ServerProcess
) -> None:
    token = running_server.token("grace")
    await page.goto(f"{running_server.url}/#/jobs/some-job?token={token}")
    await expect_live(page, "grace")
    assert page.url == f"{running_server.url}/#/jobs/some-job"
    await page.reload()
    await expect_live(page, "grace")


async def test_a_link_with_a_token_works_in_an_open_tab(
    page: Page, running_server: ServerProcess
) -> None:
    await page.goto(f"{running_server.url}/#token={running_server.token('grace')}")
    await expect_live(page, "grace")
    await page.goto(f"{running_server.url}/#token={running_server.token('ada')}&to=/jobs/x")
    await expect_live(page, "ada")
    await expect(page).to_have_url(re.compile(r"/#/jobs/x$"))


async def test_signing_out_deletes_the_token(page: Page, running_server: ServerProcess) -> None:
    await page.goto(f"{running_server.url}/#token={running_server.token('grace')}")
    await expect_live(page, "grace")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
