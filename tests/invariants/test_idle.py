"""What an idle connection costs: a few objects, and a share of one timer."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

from tests.invariants.conftest import ServerFixture, settle

ROOM = "campaign:1"
CONNECTIONS = 100

# The objects of one connection that has joined three rooms. Anonymous users share one identity. The
# test itself adds its client, the transport and their containers.
OBJECTS = {
    "Session": 1,
    "Socket": 1,
    "Connection": 1,
    "ServerSession": 1,
    "FrameDecoder": 1,
    "Lane": 1,
    "Member": 3,
}
TEST_OBJECTS = {"FakeClient", "CountingTransport", "list", "dict", "set"}


def live_objects() -> Counter[str]:
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects())


async def test_an_idle_connection_is_nine_objects(
    fixture: ServerFixture,
) -> None:
    await fixture.connect(10, ROOM)
    before = live_objects()
    await fixture.connect(CONNECTIONS, ROOM)
    grown = {
        name: round(count / CONNECTIONS)
        for name, count in (live_objects() - before).items()
        if count > CONNECTIONS / 2
    }
    assert {name: count for name, count in grown.items() if name not in TEST_OBJECTS} == OBJECTS


async def test_idle_connections_have_no_task(fixture: ServerFixture) -> None:
    await fixture.connect(1, ROOM)
    tasks = len(asyncio.all_tasks())
    await fixture.connect(CONNECTIONS, ROOM)
    assert len(asyncio.all_tasks()) == tasks


async def test_nothing_is_buffered_for_an_idle_connection(fixture: ServerFixture) -> None:
    [client] = await fixture.connect(1, ROOM)
    client.send('427["ping"]')
    await settle()
    engine, decoder = client.session.engine, client.lane._decoder
    assert engine._queue is None
    assert engine._events is None
    assert not decoder._buffer
    assert not decoder._fragments


async def test_all_heartbeats_share_one_timer(fixture: ServerFixture, monkeypatch) -> None:
    loop = asyncio.get_running_loop()
    timers = []
    call_at = loop.call_at

    def counting(when, callback, *args, **options):
        timers.append(callback)
        return call_at(when, callback, *args, **options)

    monkeypatch.setattr(loop, "call_at", counting)
    began = loop.time()
    clients = await fixture.connect(CONNECTIONS, ROOM)
    pinged = asyncio.Event()
    clients[-1].transport.write = lambda data: pinged.set()
    if not clients[-1].session.engine.awaits_pong:
        await pinged.wait()
    await settle()
    assert all(client.session.engine.awaits_pong for client in clients)
    # One timer for each bucket of 0.25 s, for any number of connections.
    assert len(timers) <= 6 + (loop.time() - began) / 0.25
