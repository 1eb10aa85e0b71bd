"""What a publication costs for any number of members. Counted, so independent of the machine."""

from __future__ import annotations

import asyncio
from collections import Counter

import longwire.prepared
from longwire.catalog import Announcement
from longwire.prepared import PreparedMessage
from longwire.schema.codec import EventCodec
from tests.invariants.conftest import Counted, ServerFixture, settle

ROOM = "campaign:1"
MEMBERS = 50


def announcement(text: str = "news") -> Announcement:
    return Announcement(message=text)


async def test_a_publication_is_encoded_once(fixture: ServerFixture, monkeypatch) -> None:
    await fixture.connect(MEMBERS, ROOM)
    await fixture.connect(MEMBERS, ROOM, positions=True)
    payloads = Counted(monkeypatch, EventCodec, "encode")
    packets = Counted(monkeypatch, PreparedMessage, "_encode")
    frames = Counted(monkeypatch, longwire.prepared, "encode_frame")
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert payloads.calls == 1
    assert packets.calls == frames.calls == 2  # with positions and without


async def test_members_of_a_variant_receive_the_same_object(fixture: ServerFixture) -> None:
    plain = await fixture.connect(MEMBERS, ROOM)
    positions = await fixture.connect(MEMBERS, ROOM, positions=True)
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    for clients in (plain, positions):
        assert [len(client.written) for client in clients] == [1] * MEMBERS
        assert len({id(client.written[0]) for client in clients}) == 1
    assert plain[0].written != positions[0].written


async def test_a_large_room_receives_the_same_object_in_slices(fixture: ServerFixture) -> None:
    clients = await fixture.connect(fixture.server.limits.fanout_slice * 2 + 1, ROOM)
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert {len(client.written) for client in clients} == {1}
    assert len({id(client.written[0]) for client in clients}) == 1


async def test_publications_of_one_turn_are_one_write_per_member(fixture: ServerFixture) -> None:
    clients = await fixture.connect(MEMBERS, ROOM)
    for number in range(10):
        await fixture.server.publish(announcement(f"number {number}"), room=ROOM)
    await settle()
    assert {len(client.written) for client in clients} == {1}
    assert clients[0].written[0].count(b'["announcement"') == 10


async def test_a_delivery_creates_no_task_and_no_callback(
    fixture: ServerFixture, monkeypatch
) -> None:
    loop = asyncio.get_running_loop()
    scheduled = {
        name: Counted(monkeypatch, loop, name)
        for name in ("create_task", "call_soon", "call_later", "call_at")
    }
    costs = []
    for _ in range(2):
        await fixture.connect(MEMBERS, ROOM)
        before = {name: counted.calls for name, counted in scheduled.items()}
        await fixture.server.publish(announcement(), room=ROOM)
        await settle()
        costs.append({name: counted.calls - before[name] for name, counted in scheduled.items()})
    assert costs[0] == costs[1]  # twice the members
    assert costs[0]["create_task"] == costs[0]["call_later"] == costs[0]["call_at"] == 0


async def test_members_of_other_rooms_receive_nothing(fixture: ServerFixture) -> None:
    await fixture.connect(MEMBERS, ROOM)
    others = await fixture.connect(MEMBERS, "campaign:2")
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert Counter(len(client.written) for client in others) == {0: MEMBERS}
