"""What a client holds after 10,000 of everything is what it held before: objects are counted."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobOutput, JobProgress
from tests.client.conftest import Connect

CYCLES = 10_000


def nothing(*_: object) -> None:
    pass


def counted() -> Counter[str]:
    """Living objects of the client and of asyncio, by type."""
    gc.collect()
    kinds = (type(thing) for thing in gc.get_objects())
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    ours = ("longwire.client.", "asyncio.", "_asyncio.")
    return Counter(name for name in names if name.startswith(ours))


def view(client: WebSocketClient, room: str) -> None:
    """Something that shows a room comes and goes."""
    throttled = client.on(JobProgress, nothing, room=room, throttle=0.5)
    once = client.once(JobOutput, nothing)
    client.join_room(room)
    throttled.pause()
    once()
    throttled()
    client.leave_room(room)


async def busy_view(client: WebSocketClient, job_id: str) -> None:
    """One that does all there is to do, and stays until the server has answered."""
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
    assert len(client._subscriptions) == 0
    assert len(client._rooms) == 2, "the rooms of sign-in"


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
    assert len(client._rooms) == len(client._subscriptions) == 0
