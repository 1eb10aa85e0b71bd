"""The admin interface of several nodes that share a Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, admin
from longwire.broker import open_broker
from longwire.integrations import fastapi
from longwire.testing import Link, authenticate_by_name
from tests.redis_server import RedisServer
from tests.serving import SECRET, ServerProcess, issue_token

API = "/_longwire/api"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@asynccontextmanager
async def node(redis: RedisServer) -> AsyncIterator[tuple[Server, Link, httpx.AsyncClient]]:
    server = Server(
        authenticate=authenticate_by_name, broker=open_broker(redis.url), shared_jobs=True
    )
    app = FastAPI()
    fastapi.mount(app, server)
    admin.mount(app, server, authorize=lambda request: True)
    transport = httpx.ASGITransport(app=app)
    async with (
        Link(server) as link,
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        yield server, link, http


async def get(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(f"{API}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_node_shows_the_connections_and_rooms_of_all(redis: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        (first, link, http), (second, other_link, _) = [
            await stack.enter_async_context(node(redis)) for _ in range(2)
        ]
        async with asyncio.timeout(10):
            while not first.nodes.others or not second.nodes.others:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        ada, bob = await link.connect("ada"), await other_link.connect("bob")
        await stack.enter_async_context(ada.room("job:1"))
        await stack.enter_async_context(bob.room("job:1"))
        nodes = (await get(http, "/nodes"))["nodes"]
        assert [row["connections"] for row in nodes] == [1, 1]
        rows = (await get(http, "/connections?sort=user"))["connections"]
        assert [row["user"] for row in rows] == ["ada", "bob"]
        assert len({row["node"] for row in rows}) == 2
        room = (await get(http, "/rooms?prefix=job:"))["rooms"][0]
        assert (room["name"], room["readers"]) == ("job:1", 2)
        readers = (await get(http, "/rooms/job:1"))["readers"]
        assert {reader["user"] for reader in readers} == {"ada", "bob"}
        (remote,) = second.sockets
        one = await get(http, f"/connections/{remote.sid}")
        assert one["connection"]["user"] == "bob"
        assert remote.observer is not None
        assert len((await get(http, "/health"))["nodes"]) == 2


@pytest.mark.timeout(60)  # it starts two processes
async def test_a_node_that_does_not_answer_is_shown_as_missing(redis: RedisServer) -> None:
    options = (f"--broker={redis.url}", "--admin=root")
    with ServerProcess(*options) as first, ServerProcess(*options) as second:
        headers = {"authorization": f"Bearer {issue_token(SECRET, 'root')}"}
        async with httpx.AsyncClient(
            base_url=first.url, headers=headers, timeout=15, trust_env=False
        ) as http:
            async with asyncio.timeout(15):
                while len(nodes := (await get(http, "/nodes"))["nodes"]) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert [row["isMissing"] for row in nodes] == [False, False]
            second.freeze()
            late = (await get(http, "/nodes"))["nodes"]
            assert {row["name"] for row in late} == {row["name"] for row in nodes}
            (missing,) = [row for row in late if row["isMissing"]]
            assert missing["version"] == nodes[0]["version"]
            page = await get(http, "/connections")
            assert page["missing"] == [missing["name"]]
            second.kill()
