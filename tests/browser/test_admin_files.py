"""The built files of the admin page, as the application serves them."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, admin, jwt_authenticator
from longwire.admin.page import ASSETS


def client() -> httpx.AsyncClient:
    app = FastAPI()
    server = Server(authenticate=jwt_authenticator("a secret of thirty-two bytes or more"))
    admin.mount(app, server, "/below/ops", authorize=lambda request: None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.mark.parametrize("view", ["", "connections", "room?name=job:42", "elsewhere"])
async def test_every_view_is_the_page(view: str) -> None:
    async with client() as http:
        answer = await http.get(f"/below/ops/{view}")
    assert answer.status_code == 200
    assert answer.text == (ASSETS / "index.html").read_text("utf-8")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"


async def test_its_addresses_are_relative_and_its_files_exist() -> None:
    page = (ASSETS / "index.html").read_text("utf-8")
    scripts = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert scripts
    async with client() as http:
        for script in scripts:
            assert script.startswith("./assets/")
            answer = await http.get(f"/below/ops/{script}", headers={"accept-encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["assets/none.js", "favicon.ico", "rooms/job:42"])
async def test_a_file_that_does_not_exist_is_not_the_page(path: str) -> None:
    async with client() as http:
        assert (await http.get(f"/below/ops/{path}")).status_code == 404
