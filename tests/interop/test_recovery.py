"""Connection state recovery with the unmodified socket.io-client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from longwire import CATALOG, Server, issue_token, jwt_authenticator
from longwire.broker import Broker, SQLiteBroker, open_broker
from longwire.catalog import Announcement
from longwire.server import RecoveryOptions
from tests.interop.stock_clients import NodeClient, node_client
from tests.proxy import Proxy
from tests.redis_server import RedisServer
from tests.serving import SECRET, serving


@asynccontextmanager
async def recovering(
    transports: list[str], **options: float
) -> AsyncIterator[tuple[Server, Proxy, NodeClient]]:
    """Connect a stock client through a proxy to a server with recovery."""
    server = Server(
        contract=CATALOG,
        authenticate=jwt_authenticator(SECRET),
        shared_jobs=True,
        recovery=RecoveryOptions(**options),
    )
    async with (
        serving(server) as url,
        Proxy(url) as proxy,
        node_client(transports) as client,
    ):
        await client.connect(
            proxy.url,
            {"token": issue_token(SECRET, "ada")},
            reconnectionDelay=20,
            reconnectionDelayMax=50,
        )
        await client.expect("event", "authenticated")
        yield server, proxy, client


async def announce(server: Server, message: str) -> None:
    await server.publish(Announcement(message=message, level="info"))


async def next_message(client: NodeClient) -> str:
    data, *_ = await client.expect("event", "announcement")
    return data["message"]


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_a_cut_client_recovers_its_id_its_rooms_and_missed_events(
    transports: list[str],
) -> None:
    async with recovering(transports) as (server, proxy, client):
        sid, recovered = await client.expect("connect")
        assert not recovered
        assert (await client.call("join_room", "job:1"))[0]["ok"]
        await announce(server, "before")
        assert await next_message(client) == "before"
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        for number in range(5):
            await announce(server, f"missed {number}")
        await server.publish_data(
            "job:progress", b'{"jobId":"1","progress":5,"currentStep":"missed too"}'
        )
        proxy.accept()
        assert await client.expect("connect") == [sid, True]
        assert [await next_message(client) for _ in range(5)] == [f"missed {n}" for n in range(5)]
        progress, *_ = await client.expect("event", "job:progress")
        assert progress["currentStep"] == "missed too"
        await announce(server, "after")
        assert await next_message(client) == "after"


async def test_a_client_that_has_received_no_event_recovers() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await announce(server, "missed")
        proxy.accept()
        await client.expect("connect")
        assert (await client.expect("connect"))[1] is True
        assert await next_message(client) == "missed"


async def test_a_client_recovers_repeatedly_without_duplicates() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        for round_ in range(5):
            await announce(server, f"live {round_}")
            assert await next_message(client) == f"live {round_}"
            proxy.refuse()
            proxy.cut()
            await client.expect("disconnect")
            await announce(server, f"missed {round_}")
            proxy.accept()
            assert (await client.expect("connect"))[1] is True
            assert await next_message(client) == f"missed {round_}"


async def test_a_client_takes_over_its_old_connection_before_it_times_out() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "before")
        assert await next_message(client) == "before"
        proxy.freeze()
        await announce(server, "undelivered")
        await client.cut()
        await client.expect("disconnect")
        proxy.thaw()
        assert (await client.expect("connect"))[1] is True
        assert await next_message(client) == "undelivered"
        assert len(server.sockets) == 1


async def test_the_last_string_of_another_event_is_not_an_offset() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "seen")
        assert await next_message(client) == "seen"
        server.sockets[0].emit("note", "a string that ends an event")
        await client.expect("event", "note")
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await announce(server, "missed")
        proxy.accept()
        assert (await client.expect("connect"))[1] is True
        assert await next_message(client) == "missed"


async def test_a_client_that_is_away_too_long_starts_over() -> None:
    async with recovering(["websocket"], max_disconnection_duration=0.0) as (_, proxy, client):
        sid, _ = await client.expect("connect")
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        proxy.accept()
        other, recovered = await client.expect("connect")
        assert (other != sid, recovered) == (True, False)


async def test_a_client_that_missed_too_much_starts_over() -> None:
    async with recovering(["websocket"], max_missed=3) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "seen")
        assert await next_message(client) == "seen"
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        for number in range(4):
            await announce(server, f"missed {number}")
        proxy.accept()
        assert (await client.expect("connect"))[1] is False
        await client.expect("event", "authenticated")


def on_broker(broker: Broker) -> Server:
    return Server(
        broker=broker,
        authenticate=jwt_authenticator(SECRET),
        shared_jobs=True,
        recovery=RecoveryOptions(),
    )


@asynccontextmanager
async def moving_client(url: str) -> AsyncIterator[tuple[Proxy, NodeClient, str]]:
    """Connect a stock client; yield its proxy, the client and its id."""
    async with Proxy(url) as proxy, node_client(["websocket"]) as client:
        auth = {"token": issue_token(SECRET, "ada")}
        await client.connect(proxy.url, auth, reconnectionDelay=20, reconnectionDelayMax=50)
        sid, _ = await client.expect("connect")
        await client.expect("event", "authenticated")
        assert (await client.call("join_room", "job:1"))[0]["ok"]
        yield proxy, client, sid


async def check_recovered(server: Server, client: NodeClient, sid: str) -> None:
    """Check that the client kept its id and received what it missed."""
    assert await client.expect("connect") == [sid, True]
    assert await next_message(client) == "missed"
    progress, *_ = await client.expect("event", "job:progress")
    assert progress["currentStep"] == "missed too"
    await announce(server, "after")
    assert await next_message(client) == "after"
    assert len(server.sockets) == 1


async def publish_before(server: Server, client: NodeClient) -> None:
    for number in range(3):
        await announce(server, f"before {number}")
        assert await next_message(client) == f"before {number}"


async def publish_missed(server: Server) -> None:
    await announce(server, "missed")
    progress = b'{"jobId":"1","progress":5,"currentStep":"missed too"}'
    await server.publish_data("job:progress", progress)


async def test_a_client_recovers_after_a_server_restart(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        old = on_broker(SQLiteBroker(tmp_path / "log.db"))
        async with serving(old) as url:
            proxy, client, sid = await stack.enter_async_context(moving_client(url))
            await publish_before(old, client)
            proxy.refuse()
        await client.expect("disconnect")
        new = on_broker(SQLiteBroker(tmp_path / "log.db"))
        async with serving(new) as url:
            await publish_missed(new)
            proxy.forward(url)
            proxy.accept()
            await check_recovered(new, client, sid)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


async def test_a_client_recovers_on_another_node(redis: RedisServer) -> None:
    first, second = (on_broker(open_broker(redis.url)) for _ in range(2))
    async with (
        serving(first) as url,
        serving(second) as second_url,
        moving_client(url) as (proxy, client, sid),
    ):
        await publish_before(first, client)
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await publish_missed(second)
        proxy.forward(second_url)
        proxy.accept()
        await check_recovered(second, client, sid)
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await publish_missed(first)
        proxy.forward(url)
        proxy.accept()
        await check_recovered(first, client, sid)


async def test_a_client_recovers_on_another_node_before_the_first_notices(
    redis: RedisServer,
) -> None:
    first, second = (on_broker(open_broker(redis.url)) for _ in range(2))
    async with (
        serving(first) as url,
        serving(second) as second_url,
        moving_client(url) as (proxy, client, sid),
    ):
        await publish_before(first, client)
        proxy.strand()
        await publish_missed(first)
        proxy.forward(second_url)
        assert len(first.sockets) == 1
        await client.cut()
        await check_recovered(second, client, sid)
        assert not first.sockets


async def test_without_the_option_clients_receive_no_private_id() -> None:
    server = Server(contract=CATALOG, authenticate=jwt_authenticator(SECRET))
    async with serving(server) as url, node_client(["websocket"]) as client:
        await client.connect(url, {"token": issue_token(SECRET, "ada")}, reconnectionDelay=20)
        await client.expect("event", "authenticated")
        await client.expect("connect")
        await client.cut()
        assert not (await client.expect("connect"))[1]
        await client.expect("event", "authenticated")
        await announce(server, "plain")
        assert len(await client.expect("event", "announcement")) == 1


async def test_a_client_recovers_after_an_event_without_arguments() -> None:
    """Regression: the client took the name of such an event for its offset, and started over."""
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        server.sockets[0].emit("note")
        await client.expect("event", "note")
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await announce(server, "missed")
        proxy.accept()
        assert (await client.expect("connect"))[1] is True
        assert await next_message(client) == "missed"
