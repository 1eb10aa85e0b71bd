"""Clients that send faster than their events are handled, or than they take the answers."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from longwire import Server, anonymous
from longwire.server import Limits, Socket
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import expect, sign_in, websocket
from tests.serving import LANE, PLAIN, serving

KB = 1000
LIMIT = 1000 * KB
SIZE = 100 * KB
EVENTS = 60
# What was on its way already when the limit was reached: a read of the transport, and a message.
MORE = 4 * SIZE
A_WHILE = 0.5


@pytest.mark.parametrize("ws", [LANE, PLAIN], ids=["lane", "asgi"])
async def test_a_client_is_read_no_faster_than_its_events_are_handled(ws: str) -> None:
    """While handlers waited, everything was taken in: 480 MB in six seconds."""
    server = Server(authenticate=anonymous, limits=Limits(unhandled_bytes=LIMIT))
    begun: list[int] = []
    enough, release = asyncio.Event(), asyncio.Event()

    @server.on("work")
    async def work(args: list[object], socket: Socket) -> int:
        begun.append(int(str(args[0])))
        if len(begun) * SIZE >= LIMIT:
            enough.set()
        await release.wait()
        return begun[-1]

    async def send() -> None:
        for number in range(EVENTS):
            await client.send(f"42{number}" + json.dumps(["work", number, "x" * SIZE]))

    async with serving(server, ws=ws) as url, websocket(url) as client:
        await sign_in(client, "anybody")
        sending = asyncio.create_task(send())
        await enough.wait()
        await asyncio.sleep(A_WHILE)
        assert len(begun) * SIZE <= LIMIT + MORE
        release.set()
        for number in range(EVENTS):
            await expect(client, f"43{number}[")
        await sending
    assert begun == list(range(EVENTS))


async def test_a_polling_client_that_takes_no_answers_is_heard_no_further() -> None:
    """What it was answered piled up: 184 MB in four seconds, of its own words."""
    server = Server(authenticate=anonymous, limits=Limits(poll_buffer=LIMIT))
    question = "421" + json.dumps(["join_room", "x" * SIZE])
    async with (
        serving(server) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http,
    ):
        client = RawPolling(http)
        await client.sign_in("anybody")
        answered = 0
        posting = asyncio.create_task(client.post(question))
        while (await asyncio.wait([posting], timeout=A_WHILE))[0] and answered < EVENTS:
            assert posting.result().text == "ok"
            answered += 1
            posting = asyncio.create_task(client.post(question))
        assert answered * SIZE <= LIMIT + MORE
        refusals = 0
        while refusals <= answered:
            refusals += sum(packet.startswith("431[") for packet in await client.poll())
        assert (await posting).text == "ok"
    assert refusals == answered + 1
