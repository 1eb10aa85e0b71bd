"""`create_app`: the page, the HTTP interface and Socket.IO in one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from longwire.server import Server, anonymous
from longwire.web import create_app

AUTH = "authorization"


@asynccontextmanager
async def _client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture(params=["", "/below/a/path"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, at the root and mounted in another application."""
    app = create_app(Server(authenticate=anonymous))
    if request.param:
        outer = FastAPI()
        outer.mount(request.param, app)
        async with app.router.lifespan_context(app), _client(outer) as client:
            client.base_url = httpx.URL(f"http://test{request.param}/")
            yield client
    else:
        async with app.router.lifespan_context(app), _client(app) as client:
            yield client


async def test_the_page_is_at_the_root(client: httpx.AsyncClient) -> None:
    response = await client.get("")
    assert response.status_code in (200, 503)  # 503: not built in this checkout
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in response.headers["content-security-policy"]


async def test_serves_the_http_interface(client: httpx.AsyncClient) -> None:
    assert (await client.get("healthz")).json()["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "api/publish", 405, "method_not_allowed"),
        ("GET", "api/nothing", 404, "not_found"),
        ("DELETE", "api/nothing", 404, "not_found"),
        ("GET", "api/publish/of/nothing", 404, "not_found"),
    ],
)
async def test_unknown_paths_and_methods_answer_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    """Regression: the responses were plain text, or FastAPI's own format."""
    answer = await client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (answer.headers.get("allow") == "POST") == (status == 405)


async def test_serves_socket_io(client: httpx.AsyncClient) -> None:
    response = await client.get("socket.io/?EIO=4&transport=polling")
    assert response.status_code == 200
    assert response.text.startswith('0{"sid":')


async def test_allows_pages_of_the_given_origins() -> None:
    origins = ["https://app.example.com"]
    app = create_app(Server(authenticate=anonymous, allowed_origins=origins), origins)
    asks = {"access-control-request-method": "GET", "access-control-request-headers": AUTH}
    async with app.router.lifespan_context(app), _client(app) as client:
        for origin, granted in [(origins[0], origins[0]), ("https://other.example", None)]:
            for path in ("/api/jobs", "/socket.io/?EIO=4&transport=polling"):
                answer = await client.get(path, headers={"origin": origin})
                assert answer.headers.get("access-control-allow-origin") == granted
            asked = await client.options("/api/jobs", headers={"origin": origin, **asks})
            assert asked.is_success == (granted is not None)


async def test_fastapis_own_documentation_is_disabled(client: httpx.AsyncClient) -> None:
    for path in ("docs", "redoc", "openapi.json"):
        assert (await client.get(path)).status_code == 404
