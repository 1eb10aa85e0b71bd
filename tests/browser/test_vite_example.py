"""The built example for Vite and React in the browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from longwire import issue_token
from tests.browser.example import Example, console_of, running
from tests.serving import SECRET

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture(loop_scope="session")
async def example(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Example]:
    command = ("vite", "preview", "--host=127.0.0.1")
    async with running(monkeypatch, "vite-react", *command) as example:
        yield example


async def sign_in(page: Page) -> None:
    await page.get_by_label("Token").fill(issue_token(SECRET, "ada"))
    await page.get_by_role("button", name="Sign in").click()


async def test_a_job_is_listed_chosen_watched_and_stopped(page: Page, example: Example) -> None:
    written = console_of(page)
    await page.goto(example.url)
    await sign_in(page)
    output = page.get_by_role("log", name="Output")
    async with example.server.job(owner="ada", title="About tea") as job:
        await page.get_by_role("button", name="About tea").click()
        for number in range(1, 4):
            await job.output(f"line {number}\n", type="writing")
            await job.progress(number * 20, f"Step {number}")
            await expect(output).to_contain_text(f"line {number}")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "60")
        await page.get_by_role("button", name="Stop").click()
        await asyncio.Event().wait()
    await expect(page.get_by_role("listitem")).to_have_text("About tea (cancelled)")
    assert written == []


async def test_a_reloaded_page_shows_everything_again(page: Page, example: Example) -> None:
    written = console_of(page)
    async with example.start_job() as job:
        for ending in ("and stormy night.", "The end."):
            await page.goto(example.url)
            await sign_in(page)
            await page.get_by_role("button", name="About tea").click()
            output = page.get_by_role("log", name="Output")
            await expect(output).to_contain_text("It was a dark")
            await job.output(f"{ending}\n", type="writing")
            await expect(output).to_contain_text(ending)
        assert (await output.inner_text()).count("dark") == 1
        assert (await output.inner_text()).count("stormy") == 1
        assert written == []
