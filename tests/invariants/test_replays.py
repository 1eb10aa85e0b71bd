"""What a crowd may cost that comes back together: what it missed is read and encoded once."""

from __future__ import annotations

import asyncio
import json

import pytest

from longwire.broker import MemoryBroker
from longwire.catalog import Announcement
from longwire.prepared import PreparedMessage
from longwire.server.rooms.replay import KEPT_FOR, MAX_KEPT
from longwire.testing import ManualClock
from longwire.types import Position
from tests.invariants.conftest import Counted, Guest, House, settle
from tests.invariants.test_idle import live_objects

ROOM = "campaign:1"
MEMBERS = 50
SLICES = 3


async def publish(house: House, count: int = 1) -> Position:
    positions = [
        await house.server.publish(Announcement(message=f"number {number}"), room=ROOM)
        for number in range(count)
    ]
    return positions[-1]


def missed(guest: Guest) -> list[bytes]:
    return [data for data in guest.written if b'["announcement"' in data]


async def resume(guests: list[Guest], since: Position, until: Position) -> None:
    """Let all come back at once, and wait until each has the last event that it missed."""
    position = {"epoch": since.epoch, "offset": since.offset}
    for guest in guests:
        guest.say("427" + json.dumps(["join_room", ROOM, position]))
    last = f'"{until.offset}@{ROOM}"'.encode()
    async with asyncio.timeout(10):
        for guest in guests:
            while not any(last in data for data in guest.written):  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_what_many_missed_is_read_and_encoded_once(
    longwire_clock: ManualClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    guests = await house.welcome(MEMBERS, positions=True)
    since = await publish(house)
    until = await publish(house, SLICES * house.server.limits.replay_slice)
    reads = Counted(monkeypatch, MemoryBroker, "read")
    packets = Counted(monkeypatch, PreparedMessage, "_encode")
    await resume(guests, since, until)
    assert reads.calls == SLICES
    assert packets.calls == until.offset - since.offset
    assert {len(missed(guest)) for guest in guests} == {SLICES}
    assert len({id(data) for guest in guests for data in missed(guest)}) == SLICES


@pytest.mark.parametrize("published", [0, 1])
async def test_for_who_missed_nothing_no_log_is_read(
    house: House, monkeypatch: pytest.MonkeyPatch, published: int
) -> None:
    position = None
    if published:
        end = await publish(house, published)
        position = {"epoch": end.epoch, "offset": end.offset}
    reads = Counted(monkeypatch, MemoryBroker, "read")
    guests = await house.welcome(MEMBERS, positions=True)
    for guest in guests:
        guest.say("427" + json.dumps(["join_room", ROOM, position]))
    await settle()
    assert reads.calls == 0
    for guest in guests:
        [answer] = guest.written
        assert json.loads(answer[answer.index(b"437") + 3 :])[0]["recovered"] == bool(published)
    house.forget()
    await publish(house)
    await settle()
    assert {len(missed(guest)) for guest in guests} == {1}


async def test_a_log_that_has_grown_is_read_anew(house: House) -> None:
    first, second = await house.welcome(2, positions=True)
    since = await publish(house)
    until = await publish(house)
    await resume([first], since, until)
    until = await publish(house)
    await resume([second], since, until)
    for guest in (first, second):
        assert b"".join(guest.written).count(b'["announcement"') == 2


async def test_nothing_that_was_read_is_kept_for_long(
    longwire_clock: ManualClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = await publish(house)
    until = await publish(house)
    reads = Counted(monkeypatch, MemoryBroker, "read")
    for read in (1, 2):
        guests = await house.welcome(MEMBERS, positions=True)
        await resume(guests, since, until)
        assert reads.calls == read
        await longwire_clock.advance(KEPT_FOR)
        assert live_objects()["Replay"] == 0


async def test_few_slices_are_kept_at_a_time(house: House) -> None:
    guests = await house.welcome(2 * MAX_KEPT, positions=True)
    until = await publish(house, len(guests) + 1)
    for offset, guest in enumerate(guests):
        await resume([guest], Position(until.epoch, offset), until)
    assert live_objects()["Replay"] <= MAX_KEPT
