"""Servers and raw clients for tests at the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from longwire import CATALOG, Server
from longwire.broker import open_broker
from longwire.server import issue_token, jwt_authenticator
from tests.server.raw_polling import RawPolling
from tests.serving import LANE, PLAIN, SECRET, serving


@pytest.fixture
def server() -> Server:
    """A server with the catalogue and the default limits."""
    return Server(
        contract=CATALOG,
        broker=open_broker("memory:"),
        authenticate=jwt_authenticator(SECRET),
    )


@pytest.fixture(params=[LANE, PLAIN], ids=["lane", "asgi"])
async def url(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of the server, under every WebSocket implementation."""
    async with serving(server, ws=request.param) as url:
        yield url


@pytest.fixture
def token() -> str:
    return issue_token(SECRET, "ada")


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        yield http


@pytest.fixture
def polling(http: httpx.AsyncClient) -> RawPolling:
    return RawPolling(http)
