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
    """A server with recovery, and a stock client that reaches it through a proxy."""
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


async def heard(client: NodeClient) -> str:
    data, *_ = await client.expect("event", "announcement")
    return data["message"]


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_a_cut_client_recovers_its_id_its_rooms_and_what_it_missed(
    transports: list[str],
) -> None:
    async with recovering(transports) as (server, proxy, client):
        sid, recovered = await client.expect("connect")
        assert not recovered
        assert (await client.call("join_room", "job:1"))[0]["ok"]
        await announce(server, "before")
        assert await heard(client) == "before"
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
        assert [await heard(client) for _ in range(5)] == [f"missed {n}" for n in range(5)]
        progress, *_ = await client.expect("event", "job:progress")
        assert progress["currentStep"] == "missed too"
        await announce(server, "after")
        assert await heard(client) == "after"


async def test_a_client_that_has_seen_no_event_yet_recovers_too() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await announce(server, "missed")
        proxy.accept()
        await client.expect("connect")
        assert (await client.expect("connect"))[1] is True
        assert await heard(client) == "missed"


async def test_a_client_recovers_again_and_again_without_a_duplicate() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        for round_ in range(5):
            await announce(server, f"live {round_}")
            assert await heard(client) == f"live {round_}"
            proxy.refuse()
            proxy.cut()
            await client.expect("disconnect")
            await announce(server, f"missed {round_}")
            proxy.accept()
            assert (await client.expect("connect"))[1] is True
            assert await heard(client) == f"missed {round_}"


async def test_who_returns_before_the_old_connection_is_known_to_be_dead_takes_it_over() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "before")
        assert await heard(client) == "before"
        proxy.freeze()
        await announce(server, "into the void")
        await client.cut()
        await client.expect("disconnect")
        proxy.thaw()
        assert (await client.expect("connect"))[1] is True
        assert await heard(client) == "into the void"
        assert len(server.sockets) == 1


async def test_a_last_string_of_another_event_is_not_taken_for_an_offset() -> None:
    async with recovering(["websocket"]) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "seen")
        assert await heard(client) == "seen"
        server.sockets[0].emit("note", "a string that ends an event")
        await client.expect("event", "note")
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await announce(server, "missed")
        proxy.accept()
        assert (await client.expect("connect"))[1] is True
        assert await heard(client) == "missed"


async def test_who_stays_away_too_long_begins_anew() -> None:
    async with recovering(["websocket"], max_disconnection_duration=0.0) as (_, proxy, client):
        sid, _ = await client.expect("connect")
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        proxy.accept()
        other, recovered = await client.expect("connect")
        assert (other != sid, recovered) == (True, False)


async def test_who_missed_too_much_begins_anew() -> None:
    async with recovering(["websocket"], max_missed=3) as (server, proxy, client):
        await client.expect("connect")
        await announce(server, "seen")
        assert await heard(client) == "seen"
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
    """A stock client that heard something; yields its id too."""
    async with Proxy(url) as proxy, node_client(["websocket"]) as client:
        auth = {"token": issue_token(SECRET, "ada")}
        await client.connect(proxy.url, auth, reconnectionDelay=20, reconnectionDelayMax=50)
        sid, _ = await client.expect("connect")
        await client.expect("event", "authenticated")
        assert (await client.call("join_room", "job:1"))[0]["ok"]
        yield proxy, client, sid


async def hears_again(server: Server, client: NodeClient, sid: str) -> None:
    """See that the client is the same, and has everything."""
    assert await client.expect("connect") == [sid, True]
    assert await heard(client) == "missed"
    progress, *_ = await client.expect("event", "job:progress")
    assert progress["currentStep"] == "missed too"
    await announce(server, "after")
    assert await heard(client) == "after"
    assert len(server.sockets) == 1


async def publish_before(server: Server, client: NodeClient) -> None:
    for number in range(3):
        await announce(server, f"before {number}")
        assert await heard(client) == f"before {number}"


async def publish_missed(server: Server) -> None:
    await announce(server, "missed")
    progress = b'{"jobId":"1","progress":5,"currentStep":"missed too"}'
    await server.publish_data("job:progress", progress)


async def test_a_client_recovers_on_the_server_that_was_started_after_this_one(
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
            await hears_again(new, client, sid)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


async def test_a_client_recovers_on_another_node(redis: RedisServer) -> None:
    here, there = (on_broker(open_broker(redis.url)) for _ in range(2))
    async with (
        serving(here) as url,
        serving(there) as elsewhere,
        moving_client(url) as (proxy, client, sid),
    ):
        await publish_before(here, client)
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await publish_missed(there)
        proxy.forward(elsewhere)
        proxy.accept()
        await hears_again(there, client, sid)
        proxy.refuse()
        proxy.cut()
        await client.expect("disconnect")
        await publish_missed(here)
        proxy.forward(url)
        proxy.accept()
        await hears_again(here, client, sid)


async def test_a_client_recovers_on_another_node_before_the_first_one_missed_it(
    redis: RedisServer,
) -> None:
    here, there = (on_broker(open_broker(redis.url)) for _ in range(2))
    async with (
        serving(here) as url,
        serving(there) as elsewhere,
        moving_client(url) as (proxy, client, sid),
    ):
        await publish_before(here, client)
        proxy.strand()
        await publish_missed(here)
        proxy.forward(elsewhere)
        assert len(here.sockets) == 1
        await client.cut()
        await hears_again(there, client, sid)
        assert not here.sockets


async def test_without_the_option_clients_are_not_told_a_private_id() -> None:
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
