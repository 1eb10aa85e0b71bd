"""One turn of the event loop does a bounded amount of work, so that other connections proceed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from longwire.catalog import Announcement
from longwire.log.room_log import DEFAULT_SLICE_BYTES
from longwire.server.rooms.fanout import BYTES_PER_WRITE
from longwire.server.rooms.hub import CONCURRENT_SLICES
from tests.invariants.conftest import FakeClient, ServerFixture

ROOM = "campaign:1"
PAYLOAD = 64 * 1024


def events(client: FakeClient) -> list[bytes]:
    """Return what was written to a client, except heartbeats."""
    return [data for data in client.written if b'["announcement"' in data]


class Turns:
    """Records the number of writes and of bytes in each turn of the loop."""

    def __init__(self, clients: list[FakeClient]) -> None:
        self.writes: list[int] = []
        self.bytes: list[int] = []
        self._clients = clients
        self._known = (0, 0)
        self._recorded = asyncio.Event()

    def record(self) -> None:
        written = [data for client in self._clients for data in events(client)]
        total = len(written), sum(map(len, written))
        self.writes.append(total[0] - self._known[0])
        self.bytes.append(total[1] - self._known[1])
        self._known = total
        self._recorded.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._recorded.clear()
            await self._recorded.wait()


@contextmanager
def counted(clients: list[FakeClient]) -> Iterator[Turns]:
    loop, turns, is_over = asyncio.get_running_loop(), Turns(clients), False

    def turn() -> None:
        turns.record()
        if not is_over:
            loop.call_soon(turn)

    turn()
    yield turns
    is_over = True


async def publish(fixture: ServerFixture, size: int = 10, room: str = ROOM) -> None:
    await fixture.server.publish(Announcement(message="x" * size), room=room)


async def test_large_events_are_written_to_fewer_members_per_turn(fixture: ServerFixture) -> None:
    size = fixture.server.limits.fanout_slice
    clients = await fixture.connect(size, ROOM)
    with counted(clients) as turns:
        await publish(fixture, PAYLOAD)
        await turns.until(lambda: sum(turns.writes) == size)
    assert max(turns.bytes) <= size * BYTES_PER_WRITE
    assert {len(events(client)) for client in clients} == {1}


async def test_rooms_that_grow_at_once_share_a_turn(fixture: ServerFixture) -> None:
    size = fixture.server.limits.fanout_slice
    rooms = [f"campaign:{number}" for number in range(2 * size)]
    clients = [client for room in rooms for client in await fixture.connect(1, room)]
    with counted(clients) as turns:
        for room in rooms:
            await publish(fixture, room=room)
        await turns.until(lambda: sum(turns.writes) == len(rooms))
    assert max(turns.writes) <= size
    assert {len(events(client)) for client in clients} == {1}


async def test_a_small_room_does_not_wait_for_a_large_one(fixture: ServerFixture) -> None:
    size = fixture.server.limits.fanout_slice
    crowd = await fixture.connect(5 * size, ROOM)
    [client] = await fixture.connect(1, "campaign:2")
    await publish(fixture)
    await publish(fixture, room="campaign:2")
    with counted(crowd) as turns:
        await turns.until(lambda: bool(events(client)))
        assert sum(turns.writes) <= 2 * size
        await turns.until(lambda: sum(turns.writes) == len(crowd))


async def test_joining_members_share_a_few_slices_per_turn(fixture: ServerFixture) -> None:
    for _ in range(20):
        await publish(fixture, PAYLOAD)
    clients = await fixture.connect(10 * CONCURRENT_SLICES)
    with counted(clients) as turns:
        for client in clients:
            client.send(f'42["join_room","{ROOM}"]')
        await turns.until(lambda: sum(turns.bytes) >= 20 * PAYLOAD * len(clients))
    assert max(turns.bytes) <= CONCURRENT_SLICES * (DEFAULT_SLICE_BYTES + 2 * PAYLOAD)
    assert {b"".join(client.written).count(b'["announcement"') for client in clients} == {20}
