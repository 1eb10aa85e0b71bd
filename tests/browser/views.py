"""The views of the page, and how to open each of them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from playwright.async_api import Page, expect

from tests.browser.expectations import expect_live, output
from tests.browser.sample_data import COLLECTOR, COMPLETED, FAILED, RUNNING, UNBROKEN, SampleData
from tests.proxy import Proxy

Show = Callable[[Page, SampleData], AbstractAsyncContextManager[None]]
"""Opens a view; it stays for the duration of the body."""


def as_context(show: Callable[[Page, SampleData], Awaitable[None]]) -> Show:
    """Convert a function that opens a view to a context manager."""

    @contextlib.asynccontextmanager
    async def shown(page: Page, sample: SampleData) -> AsyncIterator[None]:
        await show(page, sample)
        yield

    return shown


@as_context
async def jobs(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address())
    running = page.get_by_role("main").get_by_role("listitem").filter(has_text="Checking links")
    await expect(running).to_contain_text("64%")
    await expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    await expect(page.get_by_text("Over 80 % of this month")).to_be_visible()
    await expect(page.get_by_text("winter-sale")).to_be_visible()


def job(job_id: str, last_text: str) -> Show:
    async def show(page: Page, sample: SampleData) -> None:
        await page.goto(sample.site.address(f"/jobs/{job_id}"))
        await expect(output(page)).to_contain_text(last_text)
        await expect_live(page)

    return as_context(show)


@as_context
async def nothing(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address(user="newcomer"))
    await expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()


@as_context
async def unbroken(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address(user=COLLECTOR))
    await expect(page.get_by_role("main")).to_contain_text("$12,345,678.90 of $10,000,000.00")
    await expect(page.get_by_role("heading", name="Assets")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="ValueError: Donau")).to_be_visible()


@as_context
async def unbroken_job(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address(f"/jobs/{UNBROKEN}", user=COLLECTOR))
    trace = page.get_by_role("region", name="Full error")
    await expect(trace).to_contain_text("Traceback")


@as_context
async def unknown_job(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address("/jobs/tomorrow"))
    await expect(page.get_by_text("This job has not started yet")).to_be_visible()


@as_context
async def sign_in(page: Page, sample: SampleData) -> None:
    await page.goto(f"{sample.site.url}/#token=wrong")
    await expect(page.get_by_role("alert").first).to_contain_text("does not accept this token")


@as_context
async def asking_to_cancel(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address(f"/jobs/{RUNNING}"))
    await page.get_by_role("button", name="Cancel job").click()
    await expect(page.get_by_role("button", name="Stop it")).to_be_visible()


@as_context
async def signing_in_again(page: Page, sample: SampleData) -> None:
    await page.goto(sample.site.address(f"/jobs/{RUNNING}", ttl=12))
    await page.get_by_role("button", name="Sign in again").click()
    await expect(page.get_by_role("dialog").get_by_label("Access token")).to_be_focused()


@contextlib.asynccontextmanager
async def reconnecting(page: Page, sample: SampleData) -> AsyncIterator[None]:
    async with Proxy(sample.site.url) as proxy:
        await page.goto(sample.site.address(f"/jobs/{RUNNING}", url=proxy.url))
        await expect_live(page)
        proxy.refuse()
        proxy.cut()
        await expect(page.get_by_role("banner")).to_contain_text("Reconnecting")
        yield


VIEWS: dict[str, Show] = {
    "jobs": jobs,
    "running": job(RUNNING, "The line that never drops"),
    "failed": job(FAILED, "429 Too Many Requests"),
    "completed": job(COMPLETED, "Nothing here is kept twice"),
    "reconnecting": reconnecting,
    "nothing": nothing,
    "unbroken": unbroken,
    "unbroken-job": unbroken_job,
    "unknown-job": unknown_job,
    "sign-in": sign_in,
    "asking-to-cancel": asking_to_cancel,
    "signing-in-again": signing_in_again,
}
