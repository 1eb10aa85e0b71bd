"""Accessibility of all views, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.expectations import expect_spoken
from tests.browser.sample_data import COMPLETED, RUNNING, SampleData
from tests.browser.views import VIEWS

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}"""
NARROW = {"width": 320, "height": 568}


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_is_accessible(open_page: OpenPage, sample: SampleData, view: str) -> None:
    """axe finds no violation in light and dark, and a phone does not scroll sideways."""
    page = await open_page(reduced_motion="reduce")
    async with VIEWS[view](page, sample):
        await expect_no_violations(page)
        await page.set_viewport_size(NARROW)
        assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


async def test_a_job_is_a_heading_a_progressbar_and_a_log(page: Page, sample: SampleData) -> None:
    async with VIEWS["running"](page, sample):
        await expect(page.locator("body")).to_match_aria_snapshot("""
          - banner:
            - link "Longwire"
            - button "Sign out"
          - main:
            - navigation "Breadcrumb":
              - link "Jobs"
            - button "Cancel job"
            - article:
              - 'heading "Spring launch: three e-mails" [level=1]'
              - progressbar "Progress"
              - region "Output":
                - heading "Output" [level=2]
                - button "Wrap" [pressed]
                - button "Copy the output"
                - button "Save the output as a file"
                - log "Output"
              - complementary "Details"
        """)
        nodes = await accessibility_tree(page)
        (progress,) = [node for node in nodes if role(node) == "progressbar"]
        assert progress["value"]["value"] == 64
        # Chromium's accessibility tree does not contain aria-valuetext.
        in_words = "64%, Checking links of the second e-mail"
        await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuetext", in_words)
        logs = {node["name"]["value"]: node for node in nodes if role(node) == "log"}
        assert properties(logs["Output"]).get("live", "off") == "off"


async def test_the_live_regions_exist_from_the_start(page: Page, sample: SampleData) -> None:
    async with VIEWS["jobs"](page, sample):
        regions = [node for node in await accessibility_tree(page) if "live" in properties(node)]
        regions_by_role = {role(node): properties(node)["live"] for node in regions}
        assert regions_by_role == {"status": "polite", "alert": "assertive", "log": "polite"}


async def test_the_list_names_its_jobs_and_their_progress(page: Page, sample: SampleData) -> None:
    async with VIEWS["jobs"](page, sample):
        names = [
            node["name"]["value"]
            for node in await accessibility_tree(page)
            if role(node) == "progressbar"
        ]
        assert names == [
            "Progress of Spring launch: three e-mails",
            "Progress of Translate the product tour",
        ]


async def test_an_announcement_is_shown_and_spoken(page: Page, sample: SampleData) -> None:
    async with VIEWS["nothing"](page, sample):
        words = "The server restarts at 18:00. Nothing will be lost."
        await sample.announce(words, "warning")
        await expect_spoken(page, words)
        banner = page.get_by_role("region", name="Announcements")
        await expect(banner).to_contain_text(f"Warning. {words}")
        await page.emulate_media(reduced_motion="reduce")
        await expect_no_violations(page)
        await banner.get_by_role("button", name="Dismiss").click()
        await expect(banner).to_be_hidden()


async def test_a_campaign_is_shown_live(page: Page, sample: SampleData) -> None:
    async with VIEWS["jobs"](page, sample):
        campaign = page.get_by_role("listitem").filter(has_text="winter-sale")
        await expect(campaign).to_contain_text("\N{MINUS SIGN}18%")
        await sample.measure_campaign("winter-sale", conversions=404, roi=0.06)
        await expect(campaign).to_contain_text("404 converted")
        await expect(campaign).to_contain_text("+6%")


async def test_the_keyboard_reaches_everything(page: Page, sample: SampleData) -> None:
    async with VIEWS["jobs"](page, sample):
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()
        link = page.get_by_role("link").filter(has_text="Completed").filter(has_text="Essay")
        while not await link.evaluate("(element) => element === document.activeElement"):
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{sample.site.url}/#/jobs/{COMPLETED}")
        await page.go_back()
        await expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


async def test_the_chosen_theme_survives_a_reload(open_page: OpenPage, sample: SampleData) -> None:
    page = await open_page(color_scheme="light")
    async with VIEWS["running"](page, sample):
        await page.get_by_role("button", name="Use the dark theme").click()
        await page.reload()
        await expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
        assert await page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
        assert RUNNING in page.url


async def expect_no_violations(page: Page) -> None:
    await page.evaluate(AXE.read_text("utf-8"))
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(RUN_AXE) == []


async def accessibility_tree(page: Page) -> list[dict[str, Any]]:
    """Return Chromium's accessibility tree."""
    session: CDPSession = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    return [node for node in tree["nodes"] if not node["ignored"]]


def role(node: dict[str, Any]) -> str:
    return node["role"]["value"]


def properties(node: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item["value"].get("value") for item in node["properties"]}
