"""A token that expires while its user is on the page."""

from __future__ import annotations

from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.expectations import expect_lines, expect_live
from tests.browser.site import Site


async def sign_in(page: Page, site: Site, route: str, ttl: float) -> None:
    """Sign in on a loaded page, so that loading does not use up the token's lifetime."""
    await page.goto(f"{site.url}/#{route}")
    await page.get_by_label("Access token").fill(site.token(ttl=ttl))
    await page.keyboard.press("Enter")


async def test_a_token_is_replaced_without_a_reconnect(page: Page, alert_site: Site) -> None:
    links: list[str] = []
    page.on("websocket", lambda link: links.append(link.url))
    await page.goto(
        alert_site.address(ttl=12)
    )  # a minute before its expiry, the page asks for a new one
    await expect_live(page)
    links_before = len(links)
    ends = page.get_by_role("banner").get_by_text("Your sign-in ends")
    await expect(ends).to_be_visible()
    await page.get_by_role("button", name="Sign in again").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    await expect(dialog.get_by_label("Access token")).to_be_focused()

    await dialog.get_by_label("Access token").fill(alert_site.token())
    await page.keyboard.press("Enter")

    await expect(dialog).to_be_hidden()
    await expect(ends).to_be_hidden()
    await expect_live(page)
    assert len(links) == links_before


async def test_signing_in_again_after_expiry_keeps_the_page(page: Page, alert_site: Site) -> None:
    job_id = f"token-{uuid4()}"
    await alert_site.start_job(job_id, "Longer than a token")
    await alert_site.write(job_id, "line 1\n1%\n")
    await sign_in(page, alert_site, f"/jobs/{job_id}", ttl=2.5)
    await expect_lines(page, 1)
    await page.evaluate("document.querySelector('h1').dataset.same = 'yes'")
    dialog = page.get_by_role("dialog", name="Sign in again")
    await expect(dialog.get_by_role("alert")).to_have_text("Your sign-in has ended.")
    await alert_site.write(job_id, "line 2\n2%\n")

    await dialog.get_by_label("Access token").fill(alert_site.token(ttl=3600))
    await dialog.get_by_role("button", name="Sign in").click()

    await expect_lines(page, 2)
    await expect(dialog).to_be_hidden()
    await expect(page.locator("h1")).to_have_attribute("data-same", "yes")
    await page.reload()
    await expect_live(page, "ada")


async def test_a_wrong_token_keeps_the_page_and_shows_the_reason(
    page: Page, alert_site: Site
) -> None:
    await sign_in(page, alert_site, "/jobs", ttl=2)
    dialog = page.get_by_role("dialog", name="Sign in again")
    await dialog.get_by_label("Access token").fill("wrong")
    await dialog.get_by_role("button", name="Sign in").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("does not accept this token")

    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign in again").click()
    await dialog.get_by_label("Access token").fill(alert_site.token())
    await page.keyboard.press("Enter")
    await expect_live(page, "ada")
