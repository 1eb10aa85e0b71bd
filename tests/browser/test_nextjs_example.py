"""The built Next.js example: rendered on its server, then live in the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.example import WATCH, Example, console_of, running, seen
from tests.serving import SECRET

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture(loop_scope="session")
async def example(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Example]:
    command = ("next", "start", "--hostname=127.0.0.1")
    async with running(monkeypatch, "nextjs", *command) as example:
        yield example


async def get(example: Example, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=example.url, trust_env=False) as http:
        return await http.get(path)


async def test_a_job_is_rendered_on_the_server_and_goes_live(page: Page, example: Example) -> None:
    written = console_of(page)
    await page.add_init_script(WATCH)
    async with example.start_job() as job:
        path = f"/jobs/{job.id}"
        html = (await get(example, path)).text
        assert "About tea" in html
        assert "Boiling water" in html
        assert "It was a dark" in html
        assert SECRET not in html

        await page.goto(example.url + path)
        output = page.get_by_role("log", name="Output")
        await expect(output).to_contain_text("It was a dark")
        await job.output("and stormy night.\n", type="writing")
        await job.progress(60, "Pouring")
        await expect(output).to_contain_text("and stormy night.")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "60")
        assert await seen(page) == ["20", "60"]

        await page.reload()
        await job.output("The end.\n", type="writing")
        await expect(output).to_contain_text("The end.")
        assert (await output.inner_text()).count("It was a dark") == 1
        await job.complete({"content": "Tea"})
        await expect(page.get_by_role("paragraph")).to_have_text("completed")
        assert await seen(page) == ["60", "100"]
        assert written == []


async def test_a_report_is_started_watched_and_stopped(page: Page, example: Example) -> None:
    written = console_of(page)
    await page.goto(example.url)
    await page.get_by_label("Topic").fill("tea & biscuits")
    await page.get_by_role("button", name="Write a report").click()
    await expect(page.get_by_role("heading")).to_have_text("Report about tea & biscuits")
    await expect(page.get_by_role("log")).to_contain_text("Chapter 2: more about tea")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("paragraph")).to_have_text("cancelled")

    await page.goto(example.url)
    job = page.get_by_role("listitem").filter(has_text="(cancelled)")
    await job.get_by_role("link", name="Report about tea & biscuits").click()
    await expect(page.get_by_role("log")).to_contain_text("Chapter 1")
    assert written == []


async def test_a_page_rendered_without_longwire_goes_live_later(
    page: Page, example: Example
) -> None:
    async with example.start_job() as job:
        example.link.refuse()
        await page.goto(f"{example.url}/jobs/{job.id}")
        await expect(page.get_by_role("heading")).to_have_text(job.id)
        await expect(page.get_by_text("Reconnecting")).to_be_visible()
        example.link.accept()
        await expect(page.get_by_role("heading")).to_have_text("About tea")
        await expect(page.get_by_text("Back online.")).to_be_visible()


async def test_any_job_id_has_a_url(example: Example) -> None:
    name = "tea:½&more/less?"
    async with example.server.job(owner="ada", job_id=name):
        answer = await get(example, "/jobs/" + quote(name, safe=""))
        page = await get(example, "/")
    assert answer.status_code == 200
    assert "<h1>tea:½&amp;more/less?</h1>" in answer.text
    assert f'href="/jobs/{quote(name, safe="")}"' in page.text
    assert (await get(example, "/jobs/no-such-job")).status_code == 404
