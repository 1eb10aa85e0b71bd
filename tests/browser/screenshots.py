"""Takes the screenshots in `docs/screenshots`; run by `make screenshots`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import ViewportSize, expect

from tests.browser.conftest import OpenPage
from tests.browser.operated_site import RUNNING, OperatedSite, operated_site
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


ADMIN_SHOTS = {
    "admin-overview-light": ("", "light", DESK),
    "admin-connections-dark": ("connections", "dark", DESK),
    "admin-room-light": (f"room?name=job:{RUNNING}", "light", DESK),
    "phone-admin-connections-light": ("connections", "light", PHONE),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operated() -> AsyncIterator[OperatedSite]:
    async with operated_site() as site:
        yield site


@pytest.mark.parametrize("name", ADMIN_SHOTS)
async def test_a_screenshot_of_the_admin_page_is_taken(
    open_page: OpenPage, operated: OperatedSite, name: str
) -> None:
    view, scheme, viewport = ADMIN_SHOTS[name]
    page = await open_page(
        color_scheme=scheme, viewport=viewport, device_scale_factor=2 if viewport is PHONE else 1
    )
    await page.goto(operated.address(view))
    await expect(page.get_by_role("banner")).to_contain_text("Live")
    await page.wait_for_function("document.querySelector('.figures, .admin-table') !== null")
    await page.evaluate("document.fonts.ready")
    picture = await page.screenshot(
        path=DIRECTORY / f"{name}.png", animations="disabled", caret="hide"
    )
    assert len(picture) <= LARGEST
