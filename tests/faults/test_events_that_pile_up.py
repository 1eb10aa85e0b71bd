"""Clients that send faster than their events are handled, or than they read the answers."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from longwire import Server, anonymous
from longwire.server import Limits, Socket
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import call, expect, sign_in, websocket
from tests.serving import LANE, PLAIN, serving

KB = 1000
LIMIT = 1000 * KB
SIZE = 100 * KB
EVENTS = 60
# Data that was already on its way at the limit: one read of the transport, and one message.
MORE = 4 * SIZE
# Round trips of another client. All run on one event loop, which reads up to 256 KB from every
# readable connection in each turn: without a limit, it would read all events in that many turns.
ROUND_TRIPS = 100


async def other_client_proceeds(url: str) -> None:
    """Make round trips with another client, so that the server reads everything it wants to."""
    async with websocket(url) as other:
        await sign_in(other, "other")
        for _ in range(ROUND_TRIPS):
            await call(other, "ping")


@pytest.mark.parametrize("ws", [LANE, PLAIN], ids=["lane", "asgi"])
async def test_the_server_reads_no_faster_than_it_handles(ws: str) -> None:
    """Regression: while handlers waited, the server read everything: 480 MB in six seconds."""
    server = Server(authenticate=anonymous, limits=Limits(unhandled_bytes=LIMIT))
    started: list[int] = []
    at_limit, release = asyncio.Event(), asyncio.Event()

    @server.on("work")
    async def work(args: list[object], socket: Socket) -> int:
        started.append(int(str(args[0])))
        if len(started) * SIZE >= LIMIT:
            at_limit.set()
        await release.wait()
        return started[-1]

    async def send() -> None:
        for number in range(EVENTS):
            await client.send(f"42{number}" + json.dumps(["work", number, "x" * SIZE]))

    async with serving(server, ws=ws) as url, websocket(url) as client:
        await sign_in(client, "ada")
        sending = asyncio.create_task(send())
        await at_limit.wait()
        await other_client_proceeds(url)
        assert len(started) * SIZE <= LIMIT + MORE
        release.set()
        for number in range(EVENTS):
            await expect(client, f"43{number}[")
        await sending
    assert started == list(range(EVENTS))


async def test_the_server_reads_no_faster_than_a_client_polls() -> None:
    """Regression: answers to a client that did not poll piled up: 184 MB in four seconds."""
    server = Server(authenticate=anonymous, limits=Limits(poll_buffer=LIMIT))
    request = "421" + json.dumps(["join_room", "x" * SIZE])
    async with (
        serving(server) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http,
    ):
        client = RawPolling(http)
        await client.sign_in("ada")
        answered = 0
        posting = asyncio.create_task(client.post(request))
        while await is_answered(posting, url) and answered < EVENTS:
            assert posting.result().text == "ok"
            answered += 1
            posting = asyncio.create_task(client.post(request))
        assert answered * SIZE <= LIMIT + MORE
        refusals = 0
        while refusals <= answered:
            refusals += sum(packet.startswith("431[") for packet in await client.poll())
        assert (await posting).text == "ok"
    assert refusals == answered + 1


async def is_answered(posting: asyncio.Task[httpx.Response], url: str) -> bool:
    """Return whether the server answers a request before it holds back the client."""
    proceeding = asyncio.create_task(other_client_proceeds(url))
    await asyncio.wait([posting, proceeding], return_when=asyncio.FIRST_COMPLETED)
    proceeding.cancel()
    await asyncio.gather(proceeding, return_exceptions=True)
    return posting.done()
