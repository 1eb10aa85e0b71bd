"""Takes the screenshots in `docs/screenshots`; run by `make screenshots`."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import ViewportSize

from tests.browser.conftest import OpenPage
from tests.browser.sample_data import SampleData
from tests.browser.views import VIEWS

DIRECTORY = Path(__file__).parents[2] / "docs" / "screenshots"
LARGEST = 150_000

DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=690)
SHOTS = {
    "jobs-light": ("jobs", "light", DESK),
    "running-dark": ("running", "dark", DESK),
    "failed-light": ("failed", "light", DESK),
    "reconnecting-dark": ("reconnecting", "dark", DESK),
    "phone-jobs-light": ("jobs", "light", PHONE),
    "phone-running-dark": ("running", "dark", PHONE),
}


@pytest.mark.parametrize("name", SHOTS)
async def test_a_screenshot_is_taken(open_page: OpenPage, sample: SampleData, name: str) -> None:
    view, scheme, viewport = SHOTS[name]
    page = await open_page(
        color_scheme=scheme, viewport=viewport, device_scale_factor=2 if viewport is PHONE else 1
    )
    async with VIEWS[view](page, sample):
        await page.evaluate("document.fonts.ready")
        picture = await page.screenshot(
            path=DIRECTORY / f"{name}.png", animations="disabled", caret="hide"
        )
    assert len(picture) <= LARGEST
