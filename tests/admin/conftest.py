"""An application with the admin interface, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from longwire import CATALOG, Server, admin
from longwire.integrations import fastapi
from longwire.server import is_signed_in
from longwire.testing import Link, authenticate_by_name

OPERATOR = {"authorization": "Bearer root"}
OTHER_USER = {"authorization": "Bearer ada"}


@pytest.fixture
def server() -> Server:
    server = Server(contract=CATALOG, authenticate=authenticate_by_name, shared_jobs=True)
    server.rule("campaign:{campaign_id}")(is_signed_in)
    return server


@pytest.fixture
def app(server: Server) -> FastAPI:
    app = FastAPI()
    fastapi.mount(app, server)
    admin.mount(app, server, authorize=admin.only_users(server, ["root"]), allow_actions=True)
    return app


@pytest.fixture
async def link(server: Server) -> AsyncIterator[Link]:
    async with Link(server) as link:
        yield link


@pytest.fixture
async def http(app: FastAPI, link: Link) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an operator."""
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=OPERATOR) as http,
    ):
        yield http
