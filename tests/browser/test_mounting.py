"""The page mounted at a path of another application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from playwright.async_api import Page, expect

from longwire import Server, jwt_authenticator
from longwire.web import create_app
from tests.browser.expectations import expect_live, output
from tests.browser.site import Site
from tests.serving import SECRET, serving


async def test_the_page_works_at_any_mount_path(page: Page) -> None:
    server = Server(authenticate=jwt_authenticator(SECRET))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with server:
            yield

    outer = FastAPI(lifespan=lifespan)
    outer.mount("/below/a/path", create_app(server))
    async with serving(outer) as url:
        site = Site(f"{url}/below/a/path")
        await site.start_job("deep", "Far below")
        await site.write("deep", "so deep")
        await page.goto(site.address())
        await expect_live(page)
        await page.get_by_role("link").filter(has_text="Far below").click()
        await expect(output(page)).to_contain_text("so deep")
        await expect(page).to_have_url(f"{url}/below/a/path/#/jobs/deep")
        await page.goto("about:blank")  # before the server stops
