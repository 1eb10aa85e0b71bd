"""Signing in to the page, and out, in real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.serving import ServerProcess

pytestmark = pytest.mark.timeout(60)


async def expect_signed_in(page: Page, user: str) -> None:
    await expect(page.get_by_role("banner")).to_contain_text("Live")
    await expect(page.get_by_role("banner")).to_contain_text(user)


async def test_the_page_asks_for_a_token_and_takes_it(
    page: Page, running_server: ServerProcess
) -> None:
    await page.goto(running_server.url)
    await page.get_by_label("Access token").fill(running_server.token("grace"))
    await page.keyboard.press("Enter")
    await expect_signed_in(page, "grace")
    await expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


async def test_a_wrong_token_is_refused_in_words(page: Page, running_server: ServerProcess) -> None:
    await page.goto(f"{running_server.url}/#token=wrong")
    await expect(page.get_by_role("alert").first).to_contain_text("does not accept this token")
    await page.get_by_label("Access token").fill(running_server.token("grace"))
    await page.get_by_role("button", name="Sign in").click()
    await expect_signed_in(page, "grace")


async def test_the_token_leaves_the_address_and_survives_a_reload(
    page: Page, running_server: ServerProcess
) -> None:
    token = running_server.token("grace")
    await page.goto(f"{running_server.url}/#/jobs/some-job?token={token}")
    await expect_signed_in(page, "grace")
    assert page.url == f"{running_server.url}/#/jobs/some-job"
    await page.reload()
    await expect_signed_in(page, "grace")


async def test_a_link_with_a_token_works_in_a_tab_that_is_open_already(
    page: Page, running_server: ServerProcess
) -> None:
    await page.goto(f"{running_server.url}/#token={running_server.token('grace')}")
    await expect_signed_in(page, "grace")
    await page.goto(f"{running_server.url}/#token={running_server.token('ada')}&to=/jobs/x")
    await expect_signed_in(page, "ada")
    await expect(page).to_have_url(re.compile(r"/#/jobs/x$"))


async def test_signing_out_forgets_the_token(page: Page, running_server: ServerProcess) -> None:
    await page.goto(f"{running_server.url}/#token={running_server.token('grace')}")
    await expect_signed_in(page, "grace")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
