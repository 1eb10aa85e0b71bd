"""What a connection may hold that says nothing: a handful of objects, and a share of one timer."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

from tests.invariants.conftest import House, settle

ROOM = "campaign:1"
CONNECTIONS = 100

# Session and socket, the two protocols and the decoder below, the lane, the set of its rooms and
# its place in each of three; all who are anonymous share an identity. Beside them the test's own
# guest, transport and what that keeps.
OBJECTS = {
    "Session": 1,
    "Socket": 1,
    "Connection": 1,
    "ServerSession": 1,
    "FrameDecoder": 1,
    "Lane": 1,
    "Member": 3,
}
TEST_OBJECTS = {"Guest", "CountingTransport", "list", "dict", "set"}


def live_objects() -> Counter[str]:
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects())


async def test_an_idle_connection_is_a_dozen_objects_without_buffer_queue_or_task(
    house: House,
) -> None:
    await house.welcome(10, ROOM)
    before = live_objects()
    await house.welcome(CONNECTIONS, ROOM)
    grown = {
        name: round(count / CONNECTIONS)
        for name, count in (live_objects() - before).items()
        if count > CONNECTIONS / 2
    }
    assert {name: count for name, count in grown.items() if name not in TEST_OBJECTS} == OBJECTS


async def test_idle_connections_run_no_task(house: House) -> None:
    await house.welcome(1, ROOM)
    tasks = len(asyncio.all_tasks())
    await house.welcome(CONNECTIONS, ROOM)
    assert len(asyncio.all_tasks()) == tasks


async def test_nothing_is_buffered_for_an_idle_connection(house: House) -> None:
    [guest] = await house.welcome(1, ROOM)
    guest.say('427["ping"]')
    await settle()
    engine, decoder = guest.session.engine, guest.lane._decoder
    assert engine._queue is None
    assert engine._events is None
    assert not decoder._buffer
    assert not decoder._fragments


async def test_all_heartbeats_share_one_timer(house: House, monkeypatch) -> None:
    loop = asyncio.get_running_loop()
    timers = []
    call_at = loop.call_at

    def counting(when, callback, *args, **options):
        timers.append(callback)
        return call_at(when, callback, *args, **options)

    monkeypatch.setattr(loop, "call_at", counting)
    began = loop.time()
    guests = await house.welcome(CONNECTIONS, ROOM)
    rung = asyncio.Event()
    guests[-1].transport.write = lambda data: rung.set()
    if not guests[-1].session.engine.awaits_pong:
        await rung.wait()
    await settle()
    assert all(guest.session.engine.awaits_pong for guest in guests)
    # One for each bucket of a quarter of a second, however many wait.
    assert len(timers) <= 6 + (loop.time() - began) / 0.25
