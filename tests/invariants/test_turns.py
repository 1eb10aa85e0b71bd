"""What one turn of the event loop may take: others are read and written in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from longwire.catalog import Announcement
from longwire.log.room_log import DEFAULT_SLICE_BYTES
from longwire.server.rooms.fanout import BYTES_PER_WRITE
from longwire.server.rooms.hub import SLICES_AT_A_TIME
from tests.invariants.conftest import Guest, House

ROOM = "campaign:1"
PAYLOAD = 64 * 1024


def events(guest: Guest) -> list[bytes]:
    """What was written to a guest, but for heartbeats."""
    return [data for data in guest.written if b'["announcement"' in data]


class Turns:
    """How many writes, and of how many bytes, each turn of the loop took."""

    def __init__(self, guests: list[Guest]) -> None:
        self.writes: list[int] = []
        self.bytes: list[int] = []
        self._guests = guests
        self._known = (0, 0)
        self._noted = asyncio.Event()

    def note(self) -> None:
        written = [data for guest in self._guests for data in events(guest)]
        total = len(written), sum(map(len, written))
        self.writes.append(total[0] - self._known[0])
        self.bytes.append(total[1] - self._known[1])
        self._known = total
        self._noted.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._noted.clear()
            await self._noted.wait()


@contextmanager
def counted(guests: list[Guest]) -> Iterator[Turns]:
    loop, turns, is_over = asyncio.get_running_loop(), Turns(guests), False

    def turn() -> None:
        turns.note()
        if not is_over:
            loop.call_soon(turn)

    turn()
    yield turns
    is_over = True


async def publish(house: House, size: int = 10, room: str = ROOM) -> None:
    await house.server.publish(Announcement(message="x" * size), room=room)


async def test_large_events_are_written_to_fewer_members_at_a_time(house: House) -> None:
    size = house.server.limits.fanout_slice
    guests = await house.welcome(size, ROOM)
    with counted(guests) as turns:
        await publish(house, PAYLOAD)
        await turns.until(lambda: sum(turns.writes) == size)
    assert max(turns.bytes) <= size * BYTES_PER_WRITE
    assert {len(events(guest)) for guest in guests} == {1}


async def test_many_rooms_that_grow_at_once_share_a_turn(house: House) -> None:
    size = house.server.limits.fanout_slice
    rooms = [f"campaign:{number}" for number in range(2 * size)]
    guests = [guest for room in rooms for guest in await house.welcome(1, room)]
    with counted(guests) as turns:
        for room in rooms:
            await publish(house, room=room)
        await turns.until(lambda: sum(turns.writes) == len(rooms))
    assert max(turns.writes) <= size
    assert {len(events(guest)) for guest in guests} == {1}


async def test_a_small_room_does_not_wait_for_a_large_one(house: House) -> None:
    size = house.server.limits.fanout_slice
    crowd = await house.welcome(5 * size, ROOM)
    [guest] = await house.welcome(1, "campaign:2")
    await publish(house)
    await publish(house, room="campaign:2")
    with counted(crowd) as turns:
        await turns.until(lambda: bool(events(guest)))
        assert sum(turns.writes) <= 2 * size
        await turns.until(lambda: sum(turns.writes) == len(crowd))


async def test_many_who_join_at_once_are_fed_a_few_slices_a_turn(house: House) -> None:
    for _ in range(20):
        await publish(house, PAYLOAD)
    guests = await house.welcome(10 * SLICES_AT_A_TIME)
    with counted(guests) as turns:
        for guest in guests:
            guest.say(f'42["join_room","{ROOM}"]')
        await turns.until(lambda: sum(turns.bytes) >= 20 * PAYLOAD * len(guests))
    assert max(turns.bytes) <= SLICES_AT_A_TIME * (DEFAULT_SLICE_BYTES + 2 * PAYLOAD)
    assert {b"".join(guest.written).count(b'["announcement"') for guest in guests} == {20}
