"""A server that stops moves its clients, and answers the requests that reach it meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.catalog import Announcement
from longwire.integrations.fastapi import mount
from longwire.server import Identity, Limits
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import call, events, is_closed, sign_in, websocket
from tests.serving import LANE, PLAIN, serving

pytestmark = pytest.mark.timeout(30)


class SharedBroker(MemoryBroker):
    """Counts as shared, so that its clients could go to another node."""

    is_shared = True


@contextlib.asynccontextmanager
async def running(server: Server, ws: str = LANE) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    app = FastAPI()
    mount(app, server)
    async with (
        serving(app, ws=ws) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        yield url, http


@pytest.mark.parametrize("ws", [LANE, PLAIN], ids=["lane", "asgi"])
async def test_a_draining_server_refuses_new_clients_with_503(ws: str) -> None:
    """They were accepted, and disconnected again."""
    server = Server(authenticate=anonymous)
    async with running(server, ws) as (url, http), websocket(url) as client:
        await sign_in(client, "ada")
        await server.drain()
        [closing] = await events(client, "closing")
        ready = await http.get("/readyz")
        handshake = await RawPolling(http).get()
        with pytest.raises(InvalidStatus) as refused:
            async with websocket(url):
                pass
        published = await server.publish(Announcement(message="still here"), room="global")
    assert (closing["reason"], closing["reconnect"]) == ("server_shutdown", True)
    assert (ready.status_code, ready.json()["reason"]) == (503, "draining")
    assert (handshake.status_code, handshake.headers["retry-after"]) == (503, "1")
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["retry-after"] == "1"
    assert published.offset > 0


async def test_a_poll_for_a_session_that_the_drain_closed_gets_503() -> None:
    """It got 400, as if the request was wrong."""
    server = Server(authenticate=anonymous)
    async with running(server) as (_, http):
        polling = RawPolling(http)
        await polling.sign_in("ada")
        poll = await polling.start_poll()
        await server.drain()
        assert "server_shutdown" in (await poll)[0]
        answers = [await polling.get(), await polling.post("3")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}


@pytest.mark.parametrize("path", ["/api/jobs", "/api/rooms?prefix=job:", "/api/jobs/1"])
async def test_requests_to_a_stopped_server_get_503(path: str) -> None:
    """They got 400 `protocol_error`, so callers dropped what they should have repeated."""
    server = Server(authenticate=anonymous)
    async with running(server) as (_, http):
        await server.close()
        answers = [
            await http.get(path, headers={"authorization": "Bearer ada"}),
            await RawPolling(http).get(),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"


async def test_a_publish_to_a_stopped_server_gets_503() -> None:
    def service(token: str) -> Identity:
        return Identity(token, service=True)

    server = Server(authenticate=service)
    body = {"event": "announcement", "room": "global", "data": {"message": "x", "level": "info"}}
    headers = {"authorization": "Bearer worker"}
    async with running(server) as (_, http):
        first = await http.post("/api/publish", json=body, headers=headers)
        await server.close()
        answers = [
            await http.post("/api/publish", json=json, headers=headers)
            for json in (body, [body, body])
        ]
    assert first.status_code == 200
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "server_stopped")
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


async def test_clients_of_a_shared_log_are_moved_in_batches() -> None:
    """All were told within 0.2 s, and came back at once."""
    server = Server(authenticate=anonymous, broker=SharedBroker(), limits=Limits(drain_seconds=0.8))
    loop = asyncio.get_running_loop()
    left: list[float] = []

    async def stay(url: str, ready: asyncio.Semaphore) -> None:
        async with websocket(url) as client:
            await sign_in(client, "ada")
            ready.release()
            [closing] = await events(client, "closing")
            left.append(loop.time())
            assert 0 <= closing["retryAfter"] <= 1
            assert await is_closed(client)

    async with running(server) as (url, _), asyncio.TaskGroup() as clients:
        ready = asyncio.Semaphore(0)
        for _ in range(40):
            clients.create_task(stay(url, ready))
        for _ in range(40):
            await ready.acquire()
        await server.drain()
        drained = len(server.sockets)
    assert drained == 0
    assert len(left) == 40
    # Ten steps of 0.1 s would be ideal; a loaded machine merges some, but not all of them.
    assert len({round(moment, 1) for moment in left}) >= 3


async def test_clients_of_a_single_node_get_different_delays() -> None:
    """They all returned in the second after the restart."""
    server = Server(authenticate=anonymous)
    delays: list[float] = []

    async with running(server) as (url, _), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(websocket(url)) for _ in range(20)]
        for client in clients:
            await sign_in(client, "ada")
        await server.drain()
        for client in clients:
            delays += [closing["retryAfter"] for closing in await events(client, "closing")]
    assert len(set(delays)) == 20
    assert min(delays) >= server.limits.retry_after


async def test_a_client_whose_event_is_being_handled_is_moved_last() -> None:
    server = Server(authenticate=anonymous, broker=SharedBroker(), limits=Limits(drain_seconds=10))
    entered, proceed = asyncio.Event(), asyncio.Event()

    @server.on("slow")
    async def handle(_: list[object], __: object) -> str:
        entered.set()
        await proceed.wait()
        return "done"

    async with running(server) as (url, _), websocket(url) as busy, websocket(url) as idle:
        await sign_in(busy, "ada")
        await sign_in(idle, "eve")
        calling = asyncio.create_task(call(busy, "slow"))
        await entered.wait()
        draining = asyncio.create_task(server.drain())
        assert (await events(idle, "closing"))[0]["reason"] == "server_shutdown"
        assert not calling.done()
        proceed.set()
        assert await calling == "done"
        await draining
        assert (await events(busy, "closing"))[0]["reason"] == "server_shutdown"


async def test_a_drain_ends_in_time_although_a_handler_does_not() -> None:
    server = Server(authenticate=anonymous, broker=SharedBroker(), limits=Limits(drain_seconds=0.3))
    entered = asyncio.Event()

    @server.on("endless")
    async def handle(_: list[object], __: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with running(server) as (url, _), websocket(url) as client:
        await sign_in(client, "ada")
        await client.send('42["endless"]')
        await entered.wait()
        await server.drain()
        assert (await events(client, "closing"))[0]["reason"] == "server_shutdown"


async def test_a_server_accepts_clients_again_after_a_restart() -> None:
    server = Server(authenticate=anonymous)
    async with running(server) as (url, _):
        until_draining = asyncio.create_task(server.until_draining())
        await server.drain()
        await until_draining
        assert server.is_draining
        await server.close()
        await server.start()
        assert not server.is_draining
        async with websocket(url) as client:
            await sign_in(client, "ada")


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_drain_takes_no_negative_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="drain_seconds must be >= 0"):
        Limits(drain_seconds=seconds)
