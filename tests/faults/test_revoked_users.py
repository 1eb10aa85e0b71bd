"""Three servers that share a Redis; one is cut off while a user is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.broker.redis import RedisBroker
from longwire.catalog import Announcement
from longwire.errors import AuthenticationError, BrokerUnavailable
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import SECRET, serving

pytestmark = pytest.mark.timeout(60)

EVE = issue_token(SECRET, "eve")
QUICK = {"reconnection_delay": 0.02, "reconnection_delay_max": 0.1}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer(appendonly="yes", appendfsync="always") as server:
        yield server


class Watcher:
    """A client that records the announcements that it receives.

    Attributes:
        received: their texts.
        ended: set when the client is in its final state.
    """

    def __init__(self, url: str, token: str) -> None:
        self.client = WebSocketClient(url, token=token, **QUICK)
        self.received: list[str] = []
        self.ended = asyncio.Event()
        self._changed = asyncio.Event()
        self.client.on(Announcement, self._receive)
        self.client.on_state_change(lambda _: self._receive_state())

    def _receive(self, event: Announcement) -> None:
        self.received.append(event.message)
        self._changed.set()

    def _receive_state(self) -> None:
        if self.client.state == "error":
            self.ended.set()

    @property
    def reason(self) -> str:
        return str(self.client.error)

    async def until(self, message: str) -> None:
        while message not in self.received:
            self._changed.clear()
            await self._changed.wait()


class Cluster:
    """Servers a and b, and c whose connections to Redis go through a proxy."""

    def __init__(self, stack: AsyncExitStack, redis: RedisServer, proxy: Proxy) -> None:
        self.stack = stack
        self.redis = redis
        self.proxy = proxy
        self.servers: list[Server] = []
        self.urls: list[str] = []

    async def add(self, url: str) -> None:
        broker = RedisBroker(url, call_timeout=1.0)
        server = Server(authenticate=jwt_authenticator(SECRET), broker=broker)
        self.urls.append(await self.stack.enter_async_context(serving(server)))
        self.servers.append(server)

    async def watch(self, node: int, token: str) -> Watcher:
        watcher = Watcher(self.urls[node], token)
        await self.stack.enter_async_context(watcher.client)
        await watcher.client.join_room("global")
        return watcher

    async def announce(self, message: str) -> None:
        await self.servers[0].publish(Announcement(message=message, level="info"))


@asynccontextmanager
async def three_nodes(redis: RedisServer) -> AsyncIterator[Cluster]:
    url = redis.listen_tcp()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy(url))
        cluster = Cluster(stack, redis, proxy)
        for broker in (url, url, proxy.url.replace("http", "redis")):
            await cluster.add(broker)
        yield cluster


async def code_of(server: Server, token: str) -> str | None:
    try:
        await server.authenticate(token)
    except (AuthenticationError, BrokerUnavailable) as error:
        return error.code
    return None


async def test_a_revoked_user_is_gone_before_a_node_that_was_cut_off_delivers_again(
    redis: RedisServer,
) -> None:
    async with three_nodes(redis) as cluster:
        ada = await cluster.watch(2, issue_token(SECRET, "ada"))
        eves = [await cluster.watch(node, EVE) for node in (0, 1, 2)]
        await cluster.announce("before")
        for watcher in (ada, *eves):
            await watcher.until("before")

        cluster.proxy.refuse()
        cluster.proxy.cut()
        async with asyncio.timeout(1):
            await cluster.servers[0].revoke(user="eve", by="ops")
            for eve in eves[:2]:
                await eve.ended.wait()
        for number in range(300):
            await cluster.announce(f"after {number}")
        assert await code_of(cluster.servers[2], EVE) == "broker_unavailable"
        assert await code_of(cluster.servers[0], EVE) == "token_revoked"
        assert not eves[2].ended.is_set()

        cluster.proxy.accept()
        await ada.until("after 299")
        await eves[2].ended.wait()
        assert [eve.reason for eve in eves] == ["The token is no longer valid."] * 3
        assert [eve.received for eve in eves] == [["before"]] * 3
        assert await code_of(cluster.servers[2], EVE) == "token_revoked"


@pytest.mark.parametrize("order", range(6))
async def test_nothing_overtakes_a_revocation_whichever_connection_returns_first(
    redis: RedisServer, order: int
) -> None:
    """The broker has several connections to Redis; each reconnects by itself."""
    async with three_nodes(redis) as cluster:
        ada = await cluster.watch(2, issue_token(SECRET, "ada"))
        eve = await cluster.watch(2, EVE)
        for number in range(order):  # connections break in the middle of what they carry
            await cluster.announce(f"before {number}")
        cluster.proxy.cut()
        await asyncio.gather(
            cluster.servers[0].revoke(user="eve"),
            *(cluster.announce(f"meanwhile {number}") for number in range(20)),
        )
        await cluster.announce("after")
        await ada.until("after")
        await eve.ended.wait()
    assert "after" not in eve.received


async def test_a_link_that_was_silent_delivers_the_revocation_first(redis: RedisServer) -> None:
    async with three_nodes(redis) as cluster:
        ada = await cluster.watch(2, issue_token(SECRET, "ada"))
        eve = await cluster.watch(2, EVE)
        cluster.proxy.freeze()
        await cluster.servers[0].revoke(user="eve")
        await cluster.announce("after")
        cluster.proxy.thaw()
        await ada.until("after")
        await eve.ended.wait()
    assert eve.received == []


async def test_connections_end_on_a_node_that_was_cut_off_when_they_were_disconnected(
    redis: RedisServer,
) -> None:
    async with three_nodes(redis) as cluster:
        eve = await cluster.watch(2, EVE)
        cluster.proxy.refuse()
        cluster.proxy.cut()
        await cluster.servers[1].disconnect(user="eve", by="ops")
        cluster.proxy.accept()
        await eve.ended.wait()
        assert eve.reason == "The server closed the connection."
        assert await code_of(cluster.servers[2], EVE) is None
        [action] = await cluster.servers[2].actions()
        assert (action.action, action.by, action.user) == ("disconnect", "ops", "eve")


async def test_a_node_that_starts_later_refuses_revoked_users(redis: RedisServer) -> None:
    async with three_nodes(redis) as cluster:
        await cluster.servers[0].revoke(user="eve")
        await cluster.servers[1].revoke(user="bob")
        await cluster.servers[2].reinstate(user="bob")
        await cluster.add(redis.url)
        assert await code_of(cluster.servers[3], EVE) == "token_revoked"
        assert await code_of(cluster.servers[3], issue_token(SECRET, "bob")) is None


async def test_revocations_outlive_a_redis_that_lost_them(redis: RedisServer) -> None:
    """The nodes still know them, and write them to the new log."""
    async with three_nodes(redis) as cluster:
        await cluster.servers[0].revoke(user="eve")
        await asyncio.to_thread(redis.run, "FLUSHALL")
        await cluster.servers[0].revoke(user="bob")
        await cluster.add(redis.url)
        while await code_of(cluster.servers[3], EVE) is None:  # until the nodes notice the new log
            await cluster.servers[0].actions()
        assert await code_of(cluster.servers[0], EVE) == "token_revoked"


async def test_concurrent_revocations_on_all_nodes_are_all_kept(redis: RedisServer) -> None:
    async with three_nodes(redis) as cluster:
        users = [f"user-{number}" for number in range(30)]
        await asyncio.gather(
            *(server.revoke(user=user) for server in cluster.servers for user in users),
            *(server.revoke(user="eve") for server in cluster.servers),
        )
        await cluster.add(redis.url)
        for user in (*users, "eve"):
            token = issue_token(SECRET, user)
            codes = [await code_of(server, token) for server in cluster.servers]
            assert codes == ["token_revoked"] * 4
        await asyncio.gather(*(server.reinstate(user="eve") for server in cluster.servers))
        await cluster.add(redis.url)
        assert await code_of(cluster.servers[4], EVE) is None
