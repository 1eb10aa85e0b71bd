"""Counts objects: 10,000 subscriptions, rooms and events leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from itertools import pairwise
from statistics import median

import msgspec
import pytest

from longwire import WebSocketClient
from longwire.catalog import JobOutput, JobProgress
from longwire.websocket.frames import encode_text
from tests.client.conftest import Connect
from tests.client.peer import Peer, connected

CYCLES = 10_000


def nothing(*_: object) -> None:
    pass


def counted() -> Counter[str]:
    """Count the live objects of the client and of asyncio, by type."""
    gc.collect()
    kinds = (type(thing) for thing in gc.get_objects())
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    ours = ("longwire.client.", "asyncio.", "_asyncio.")
    return Counter(name for name in names if name.startswith(ours))


def view(client: WebSocketClient, room: str) -> None:
    """Open and close a view of a room, synchronously."""
    throttled = client.on(JobProgress, nothing, room=room, throttle=0.5)
    once = client.once(JobOutput, nothing)
    client.join_room(room)
    throttled.pause()
    once()
    throttled()
    client.leave_room(room)


async def busy_view(client: WebSocketClient, job_id: str) -> None:
    """Open and close a view that uses every kind of subscription, and await the server."""
    room = f"job:{job_id}"
    undoes = [
        client.on((JobOutput, JobProgress), nothing, room=room),
        client.on_state_change(nothing),
        client.on_health(nothing),
        client.on_cancel(job_id, nothing),
    ]
    async with client.room(room), client.job(job_id), client.events(JobProgress, room=room):
        await asyncio.sleep(0)
    for undo in undoes:
        undo()


@pytest.mark.timeout(60)
async def test_ten_thousand_subscriptions_leave_nothing_behind(
    url: str, token: str, clients: Connect
) -> None:
    client = clients(url, token=token)
    await client.connect()
    await busy_view(client, "x")
    before = counted()
    for number in range(CYCLES):
        view(client, f"job:{number}")
        if number % 100 == 0:
            await busy_view(client, str(number))
    await client.ping()
    left = counted() - before
    assert sum(left.values()) < 20, left
    assert client.health.subscriptions == 0
    assert client.health.rooms == 2, "the rooms that signing in grants"


async def test_ten_thousand_subscriptions_without_a_connection_leave_nothing_behind() -> None:
    client = WebSocketClient("http://127.0.0.1:1")
    view(client, "job:x")
    before = counted()
    for number in range(CYCLES):
        view(client, f"job:{number}")
        client.events(JobProgress, room=f"job:{number}").end(None)
    await asyncio.sleep(0)
    left = counted() - before
    assert sum(left.values()) < 20, left
    assert client.health.rooms == client.health.subscriptions == 0


async def test_memory_is_flat_however_many_events_come(client: WebSocketClient, peer: Peer) -> None:
    """A handler, an iterator and a job tracker; benchmarks/flat.py receives a million events."""
    socket = await connected(client, peer)
    client.on(JobProgress, nothing, room="job:1", throttle=0.001)
    events = client.events(JobProgress, JobOutput, room="job:1")
    await socket.accept_join("job:1", "e", 0)

    async def blocks_after(start: int) -> int:
        """Receive 500 more events; return the number of allocated memory blocks."""
        socket.write(b"".join(frame(offset) for offset in range(start, start + 500)))
        for _ in range(500):
            await anext(events)
        newest = f"{start + 499} "
        async for state in job:
            if state.text.endswith(newest):
                break
        del state
        gc.collect()
        return sys.getallocatedblocks()

    async with client.job("1") as job:
        blocks = [await blocks_after(start) for start in range(1, 4001, 500)]
    steps = [later - earlier for earlier, later in pairwise(blocks[3:])]
    assert median(steps) < 100, blocks  # the median ignores objects that are created once, but late
    await events.aclose()


def frame(offset: int) -> bytes:
    """Return a frame of the server: alternately progress and output."""
    name, data = "job:progress", {"jobId": "1", "progress": 5, "currentStep": "x", "timestamp": 1}
    if offset % 2 == 0:
        name, data = "job:output", {"jobId": "1", "chunk": f"{offset} ", "isComplete": False}
    packet = msgspec.json.encode([name, {**data, "timestamp": offset}, f"{offset}@job:1"])
    return encode_text("42" + packet.decode())
