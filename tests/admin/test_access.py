"""Access to the admin interface."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route

from longwire import Server, admin
from longwire.errors import ConfigurationError
from tests.admin.conftest import OTHER_USER


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return the method and the path of each route below /_longwire/api."""
    mounted: Any = next(route for route in app.routes if route.name == "longwire-admin-api")
    routes: list[Route] = mounted.app.routes
    paths = [(method, route.path) for route in routes for method in route.methods or ()]
    return [
        (method, "/_longwire/api" + path.replace("{id}", "x").replace("{room:path}", "job:1"))
        for method, path in paths
    ]


async def test_no_route_answers_without_credentials_or_the_right(
    app: FastAPI, http: httpx.AsyncClient
) -> None:
    routes = routes_of(app)
    assert len(routes) >= 10
    for method, path in [*routes, ("GET", "/_longwire/api/unknown"), ("GET", "/_longwire/api/")]:
        for headers, status in (({"authorization": ""}, 401), (OTHER_USER, 403)):
            answer = await http.request(method, path, headers=headers)
            assert (method, path, answer.status_code) == (method, path, status)


async def test_there_is_no_interface_without_authorize(server: Server) -> None:
    app = FastAPI()
    with pytest.raises(ConfigurationError, match="needs authorize="):
        admin.mount(app, server)
    assert not [route for route in app.routes if "longwire" in getattr(route, "path", "")]


@pytest.mark.parametrize(
    ("answer", "status"), [(None, 401), (False, 403), ("", 403), (True, 200), ("ops", 200)]
)
async def test_the_decision_is_the_applications(
    server: Server, answer: bool | str | None, status: int
) -> None:
    app = FastAPI()

    def authorize(request: Request) -> bool | str | None:
        return answer

    admin.mount(app, server, path="/ops", authorize=authorize)
    transport = httpx.ASGITransport(app=app)
    async with server, httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        got = await http.get("/ops/api/overview")
    assert got.status_code == status
    if status == 200:
        assert got.json()["operator"] == ("ops" if answer == "ops" else "operator")
        assert got.json()["mayAct"] is False


@pytest.mark.parametrize("path", ["", "admin", "/admin/"])
def test_a_path_that_cannot_be_mounted_is_refused(server: Server, path: str) -> None:
    with pytest.raises(ConfigurationError, match="path must begin with /"):
        admin.mount(FastAPI(), server, path=path, authorize=lambda request: True)


async def test_a_name_instead_of_a_list_of_users_is_refused(server: Server) -> None:
    with pytest.raises(ConfigurationError, match="list of user ids"):
        admin.only_users(server, "root")


async def test_a_revoked_operator_is_refused(server: Server, http: httpx.AsyncClient) -> None:
    assert (await http.get("/_longwire/api/nodes")).status_code == 200
    await server.revoke(user="root")
    answer = await http.get("/_longwire/api/nodes")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")


async def test_an_application_with_a_route_for_every_path_keeps_the_interface(
    server: Server,
) -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    def every_path(path: str) -> str:
        return path

    admin.mount(app, server, authorize=lambda request: True)
    transport = httpx.ASGITransport(app=app)
    async with server, httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert "nodes" in (await http.get("/_longwire/api/nodes")).json()
        assert (await http.get("/other")).json() == "other"
        assert (await http.get("/_longwire")).headers["location"] == "_longwire/"
