"""Counting the members of a room, and hooks for rooms that become occupied or vacated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.broker import Broker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.errors import ConfigurationError, ContractError
from longwire.server import Limits
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import SECRET, serving

pytestmark = pytest.mark.timeout(60)

QUICK = {"reconnection_delay": 0.02, "reconnection_delay_max": 0.1}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer(appendonly="yes", appendfsync="always") as server:
        yield server


class Calls:
    """Records the hooks of all nodes."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._changed = asyncio.Event()

    def register(self, server: Server) -> Server:
        @server.on_occupied("job:{job_id}")
        async def occupied(room: str, parameters: Mapping[str, str]) -> None:
            self._add(f"+{room}", parameters)

        @server.on_vacated("job:{job_id}")
        def vacated(room: str, parameters: Mapping[str, str]) -> None:
            self._add(f"-{room}", parameters)

        return server

    def _add(self, call: str, parameters: Mapping[str, str]) -> None:
        assert call[1:] == f"job:{parameters['job_id']}"
        self.made.append(call)
        self._changed.set()

    async def until(self, *calls: str) -> None:
        while self.made[: len(calls)] != list(calls):
            self._changed.clear()
            await self._changed.wait()
        assert self.made == list(calls)


def make(broker: Broker | None = None, *, settle: float = 0.1, lease: float = 5.0) -> Server:
    return Server(
        authenticate=jwt_authenticator(SECRET),
        broker=broker,
        shared_jobs=True,
        limits=Limits(vacated_after=settle, node_lease=lease),
    )


@asynccontextmanager
async def member(url: str, room: str, user: str = "ada") -> AsyncIterator[WebSocketClient]:
    async with WebSocketClient(url, token=issue_token(SECRET, user), **QUICK) as client:
        await client.join_room(room)
        yield client


async def test_hooks_follow_the_first_and_the_last_member() -> None:
    calls = Calls()
    async with serving(calls.register(make())) as url:
        async with member(url, "job:1"), member(url, "job:1", "bob"), member(url, "global"):
            await calls.until("+job:1")
            async with member(url, "job:2"):
                await calls.until("+job:1", "+job:2")
            await calls.until("+job:1", "+job:2", "-job:2")
        await calls.until("+job:1", "+job:2", "-job:2", "-job:1")
        async with member(url, "job:1"):
            await calls.until("+job:1", "+job:2", "-job:2", "-job:1", "+job:1")


async def test_a_page_that_is_loaded_again_does_not_vacate_its_room() -> None:
    calls = Calls()
    async with serving(calls.register(make(settle=30.0))) as url:
        for _ in range(3):
            async with member(url, "job:1"):
                pass
        async with member(url, "job:2"):
            await calls.until("+job:1", "+job:2")


async def test_a_hook_that_fails_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls()
    server = make()

    @server.on_occupied("job:{job_id}")
    def fail(room: str, parameters: Mapping[str, str]) -> None:
        raise ZeroDivisionError

    async with serving(calls.register(server)) as url, member(url, "job:1"):
        await calls.until("+job:1")
    assert "a hook of room 'job:1' failed" in caplog.text


async def test_hooks_are_registered_before_the_server_starts() -> None:
    server = make()
    with pytest.raises(ContractError, match="no room pattern 'nowhere'"):
        server.on_occupied("nowhere")(lambda room, parameters: None)
    async with server:
        with pytest.raises(ConfigurationError, match="before the server starts"):
            server.on_vacated("job:{job_id}")


async def test_a_server_without_hooks_writes_nothing() -> None:
    server = make()
    async with serving(server) as url, member(url, "job:1"):
        assert await server.broker.rooms("control") == []
        assert (await server.watchers("job:1")).count == 1


async def test_hooks_are_called_once_in_a_cluster(redis: RedisServer) -> None:
    calls = Calls()
    async with AsyncExitStack() as stack:
        servers = [calls.register(make(RedisBroker(redis.url))) for _ in range(3)]
        urls = [await stack.enter_async_context(serving(server)) for server in servers]
        for _ in range(3):
            calls.made.clear()
            async with AsyncExitStack() as members:
                joining = (
                    members.enter_async_context(member(url, "job:1")) for url in urls for _ in "ab"
                )
                await asyncio.gather(*joining)
                await calls.until("+job:1")
            await calls.until("+job:1", "-job:1")


async def test_members_that_move_to_another_node_keep_the_room_occupied(
    redis: RedisServer,
) -> None:
    calls = Calls()
    async with serving(calls.register(make(RedisBroker(redis.url), settle=30.0))) as second:
        async with (
            serving(calls.register(make(RedisBroker(redis.url), settle=30.0))) as first,
            member(first, "job:1"),
        ):
            await calls.until("+job:1")
        async with member(second, "job:1"), member(second, "job:2"):
            await calls.until("+job:1", "+job:2")


async def test_a_node_that_is_cut_off_does_not_keep_a_room_occupied(redis: RedisServer) -> None:
    calls = Calls()
    async with Proxy(redis.listen_tcp()) as proxy:
        broker = RedisBroker(proxy.url.replace("http", "redis"), call_timeout=0.5)
        async with (
            serving(calls.register(make(RedisBroker(redis.url), lease=1.0))),
            serving(calls.register(make(broker, lease=1.0))) as cut_off,
            member(cut_off, "job:1"),
        ):
            await calls.until("+job:1")
            proxy.refuse()
            proxy.cut()
            await calls.until("+job:1", "-job:1")
            proxy.accept()
            await calls.until("+job:1", "-job:1", "+job:1")


async def test_a_server_that_stopped_vacates_its_rooms_when_it_is_back(tmp_path: Path) -> None:
    calls = Calls()
    path = tmp_path / "logs.db"
    async with serving(calls.register(make(SQLiteBroker(path), settle=30.0))) as url:
        client = WebSocketClient(url, token=issue_token(SECRET, "ada"), reconnection=False)
        await client.connect()
        await client.join_room("job:1")
        await client.join_room("job:2")
        await calls.until("+job:1", "+job:2")
    await client.disconnect()
    again = calls.register(make(SQLiteBroker(path), settle=30.0))
    async with serving(again) as url, member(url, "job:2"):
        await calls.until("+job:1", "+job:2", "-job:1")


async def test_watchers_of_all_nodes_are_counted(redis: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        servers = [make(RedisBroker(redis.url)) for _ in range(3)]
        urls = [await stack.enter_async_context(serving(server)) for server in servers]
        for url in (*urls, urls[0]):
            await stack.enter_async_context(member(url, "job:1"))
        await stack.enter_async_context(member(urls[1], "job:1", "bob"))
        await stack.enter_async_context(member(urls[1], "job:2", "eve"))
        for server in servers:
            found = await server.watchers("job:1")
            assert (found.count, found.users, found.missing) == (5, ("ada", "bob"), ())
        assert (await servers[0].watchers("job:3")).count == 0


async def test_a_node_that_does_not_answer_is_missing(redis: RedisServer) -> None:
    async with Proxy(redis.listen_tcp()) as proxy:
        here, away = (
            make(RedisBroker(url), lease=60.0)
            for url in (redis.url, proxy.url.replace("http", "redis"))
        )
        async with serving(here) as url, serving(away), member(url, "job:1"):
            assert (await here.watchers("job:1")).missing == ()
            proxy.freeze()
            found = await here.watchers("job:1")
            proxy.thaw()
    assert found.count == 1
    assert len(found.missing) == 1
