"""Binary data between stock clients and an application's handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from longwire import CATALOG, Server
from longwire.broker import open_broker
from longwire.server import issue_token, jwt_authenticator
from tests.interop.stock_clients import FLAVOURS, StockClient
from tests.serving import LANE, PLAIN, SECRET, serving

BLOB = bytes(range(256)) * 8


@pytest.fixture(params=[LANE, PLAIN], ids=["lane", "asgi"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A server that returns every blob reversed."""
    server = Server(
        contract=CATALOG,
        broker=open_broker("memory:"),
        authenticate=jwt_authenticator(SECRET),
    )

    @server.on("reverse")
    async def reverse(args, socket):
        blob, options = args
        socket.emit("reversed", blob[::-1], {"size": len(blob), "copy": blob})
        return {"same": blob, "options": options}

    async with serving(server, ws=request.param) as url:
        yield url


@pytest.fixture(params=FLAVOURS)
async def client(request: pytest.FixtureRequest, url: str) -> AsyncIterator[StockClient]:
    async with FLAVOURS[request.param]() as client:
        await client.connect(url, {"token": issue_token(SECRET, "ada")})
        await client.expect("event", "authenticated")
        yield client


async def test_binary_data_arrives_in_both_directions(client: StockClient) -> None:
    [answer] = await client.call("reverse", BLOB, {"note": BLOB[:3]})

    assert answer == {"same": BLOB, "options": {"note": BLOB[:3]}}
    assert await client.expect("event", "reversed") == [
        BLOB[::-1],
        {"size": len(BLOB), "copy": BLOB},
    ]
