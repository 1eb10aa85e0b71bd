"""Expectations about what the page shows and announces."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

# Records the texts of the live regions, which show each text only briefly.
LISTEN = """
window.spoken = [];
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const element = target instanceof Element ? target : target.parentElement;
    const region = element?.closest("[role=status], [role=alert]");
    if (region?.textContent) window.spoken.push(region.textContent);
  }
}).observe(document, { childList: true, characterData: true, subtree: true });
"""


def output(page: Page) -> Locator:
    return page.get_by_role("log", name="Output")


async def lines(page: Page) -> list[str]:
    """Return the numbered lines that the page shows."""
    text = await output(page).text_content() or ""
    return re.findall(r"^line \d+$", text, re.MULTILINE)


async def expect_lines(page: Page, last: int) -> None:
    """Expect each line up to `last`, once and in order."""
    await expect(output(page)).to_contain_text(f"{last}%")
    assert await lines(page) == [f"line {number}" for number in range(1, last + 1)]


async def expect_live(page: Page, user: str | None = None) -> None:
    """Expect the banner to show a live connection."""
    banner = page.get_by_role("banner")
    await expect(banner).to_contain_text("Live")
    if user is not None:
        await expect(banner).to_contain_text(user)


async def expect_spoken(page: Page, text: str) -> None:
    """Expect that this text was announced to screen readers."""
    await page.wait_for_function("(text) => window.spoken.includes(text)", arg=text)
