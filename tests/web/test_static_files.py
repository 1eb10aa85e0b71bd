"""`WebPage`: the page's files and their headers."""

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from longwire.web.static_files import WebPage

SCRIPT = b"export const wire = 'long'\n"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A directory like the build output of the page."""
    assets = tmp_path / "static" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "static" / "index.html").write_bytes(b"<!doctype html><title>Longwire</title>")
    (assets / "index-abc123.js").write_bytes(SCRIPT)
    (assets / "index-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "index-abc123.css").write_bytes(b"body{}")
    (tmp_path / "secret.txt").write_bytes(b"a secret")
    return tmp_path / "static"


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(built) as client:
        yield client


def _client(directory: Path) -> httpx.AsyncClient:
    page = WebPage(directory)
    app = Starlette(routes=[Mount("/below/a/path", page), Mount("/", page)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize("path", ["/", "/index.html", "/below/a/path/"])
async def test_the_index_is_revalidated(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    again = await client.get(path, headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


async def test_assets_are_cached_forever(client: httpx.AsyncClient) -> None:
    response = await client.get("/assets/index-abc123.css")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_assets_are_compressed_if_the_client_accepts_it(client: httpx.AsyncClient) -> None:
    path = "/below/a/path/assets/index-abc123.js"
    compressed = await client.get(path, headers={"accept-encoding": "br, gzip;q=0.8"})
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.content == plain.content == SCRIPT
    for response in (compressed, plain):
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["vary"] == "accept-encoding"
    assert compressed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("path", ["/", "/assets/index-abc123.js", "/nothing"])
async def test_every_response_has_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/jobs/42", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/a%00b", "/" + "x" * 300],
)
async def test_other_paths_answer_404(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert "a secret" not in response.text


async def test_other_methods_answer_405(client: httpx.AsyncClient) -> None:
    response = await client.post("/")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"


async def test_explains_that_the_page_is_not_built(tmp_path: Path) -> None:
    async with _client(tmp_path / "missing") as client:
        for path in ("/", "/below/a/path/"):
            response = await client.get(path)
            assert response.status_code == 503
            assert "make setup" in response.text
            assert response.headers["cache-control"] == "no-store"
        assert (await client.get("/assets/index-abc123.js")).status_code == 404


async def test_a_running_server_picks_up_a_build(built: Path, tmp_path: Path) -> None:
    async with _client(tmp_path / "later") as client:
        assert (await client.get("/")).status_code == 503
        os.rename(built, tmp_path / "later")
        assert (await client.get("/")).status_code == 200


async def test_closes_a_websocket() -> None:
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/nowhere", "headers": []}
    await WebPage()(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
