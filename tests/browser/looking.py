"""What a reader sees on the page."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

# Keeps what the live regions said: each says one thing for a moment.
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
    """The numbered lines that the page shows."""
    text = await output(page).text_content() or ""
    return re.findall(r"^line \d+$", text, re.MULTILINE)


async def expect_lines(page: Page, last: int) -> None:
    """Expect each line up to the last, once, in order."""
    await expect(output(page)).to_contain_text(f"{last}%")
    assert await lines(page) == [f"line {number}" for number in range(1, last + 1)]


async def expect_live(page: Page, user: str | None = None) -> None:
    """Expect a connection, in words."""
    banner = page.get_by_role("banner")
    await expect(banner).to_contain_text("Live")
    if user is not None:
        await expect(banner).to_contain_text(user)


async def expect_spoken(page: Page, text: str) -> None:
    """Expect a screen reader to have been given this to say."""
    await page.wait_for_function("(text) => window.spoken.includes(text)", arg=text)
