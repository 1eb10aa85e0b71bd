"""What a publication may cost, however many hear it: counted, so that no machine is too slow."""

from __future__ import annotations

import asyncio
from collections import Counter

import longwire.prepared
from longwire.catalog import Announcement
from longwire.prepared import PreparedMessage
from longwire.schema.codec import EventCodec
from tests.invariants.conftest import Counted, House, settle

ROOM = "campaign:1"
MEMBERS = 50


def announcement(text: str = "news") -> Announcement:
    return Announcement(message=text)


async def test_a_publication_is_encoded_once(house: House, monkeypatch) -> None:
    await house.welcome(MEMBERS, ROOM)
    await house.welcome(MEMBERS, ROOM, positions=True)
    payloads = Counted(monkeypatch, EventCodec, "encode")
    packets = Counted(monkeypatch, PreparedMessage, "_encode")
    frames = Counted(monkeypatch, longwire.prepared, "encode_frame")
    await house.server.publish(announcement(), room=ROOM)
    await settle()
    assert payloads.calls == 1
    assert packets.calls == frames.calls == 2  # with positions and without


async def test_members_of_a_variant_are_written_one_and_the_same_object(house: House) -> None:
    plain = await house.welcome(MEMBERS, ROOM)
    positions = await house.welcome(MEMBERS, ROOM, positions=True)
    await house.server.publish(announcement(), room=ROOM)
    await settle()
    for guests in (plain, positions):
        assert [len(guest.written) for guest in guests] == [1] * MEMBERS
        assert len({id(guest.written[0]) for guest in guests}) == 1
    assert plain[0].written != positions[0].written


async def test_a_large_room_is_written_the_same_object_slice_by_slice(house: House) -> None:
    guests = await house.welcome(house.server.limits.fanout_slice * 2 + 1, ROOM)
    await house.server.publish(announcement(), room=ROOM)
    await settle()
    assert {len(guest.written) for guest in guests} == {1}
    assert len({id(guest.written[0]) for guest in guests}) == 1


async def test_publications_of_one_tick_are_one_write_to_each_member(house: House) -> None:
    guests = await house.welcome(MEMBERS, ROOM)
    for number in range(10):
        await house.server.publish(announcement(f"number {number}"), room=ROOM)
    await settle()
    assert {len(guest.written) for guest in guests} == {1}
    assert guests[0].written[0].count(b'["announcement"') == 10


async def test_a_delivery_makes_no_task_and_no_callback(house: House, monkeypatch) -> None:
    loop = asyncio.get_running_loop()
    scheduled = {
        name: Counted(monkeypatch, loop, name)
        for name in ("create_task", "call_soon", "call_later", "call_at")
    }
    costs = []
    for _ in range(2):
        await house.welcome(MEMBERS, ROOM)
        before = {name: counted.calls for name, counted in scheduled.items()}
        await house.server.publish(announcement(), room=ROOM)
        await settle()
        costs.append({name: counted.calls - before[name] for name, counted in scheduled.items()})
    assert costs[0] == costs[1]  # twice the members
    assert costs[0]["create_task"] == costs[0]["call_later"] == costs[0]["call_at"] == 0


async def test_nobody_is_written_what_another_room_hears(house: House) -> None:
    await house.welcome(MEMBERS, ROOM)
    others = await house.welcome(MEMBERS, "campaign:2")
    await house.server.publish(announcement(), room=ROOM)
    await settle()
    assert Counter(len(guest.written) for guest in others) == {0: MEMBERS}
