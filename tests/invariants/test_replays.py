"""When many clients resume together, what they missed is read and encoded once."""

from __future__ import annotations

import asyncio
import json

import pytest

from longwire.broker import MemoryBroker
from longwire.catalog import Announcement
from longwire.prepared import PreparedMessage
from longwire.server.rooms.replay import CACHED_FOR, MAX_CACHED
from longwire.testing import ManualClock
from longwire.types import Position
from tests.invariants.conftest import Counted, FakeClient, ServerFixture, settle
from tests.invariants.test_idle import live_objects

ROOM = "campaign:1"
MEMBERS = 50
SLICES = 3


async def publish(fixture: ServerFixture, count: int = 1) -> Position:
    positions = [
        await fixture.server.publish(Announcement(message=f"number {number}"), room=ROOM)
        for number in range(count)
    ]
    return positions[-1]


def missed(client: FakeClient) -> list[bytes]:
    return [data for data in client.written if b'["announcement"' in data]


async def resume(clients: list[FakeClient], since: Position, until: Position) -> None:
    """Resume all clients at once, and wait until each has received the last event it missed."""
    position = {"epoch": since.epoch, "offset": since.offset}
    for client in clients:
        client.send("427" + json.dumps(["join_room", ROOM, position]))
    last = f'"{until.offset}@{ROOM}"'.encode()
    async with asyncio.timeout(10):
        for client in clients:
            while not any(last in data for data in client.written):  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_missed_events_are_read_and_encoded_once_for_all(
    longwire_clock: ManualClock, fixture: ServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = await fixture.connect(MEMBERS, positions=True)
    since = await publish(fixture)
    until = await publish(fixture, SLICES * fixture.server.limits.replay_slice)
    reads = Counted(monkeypatch, MemoryBroker, "read")
    packets = Counted(monkeypatch, PreparedMessage, "_encode")
    await resume(clients, since, until)
    assert reads.calls == SLICES
    assert packets.calls == until.offset - since.offset
    assert {len(missed(client)) for client in clients} == {SLICES}
    assert len({id(data) for client in clients for data in missed(client)}) == SLICES


@pytest.mark.parametrize("published", [0, 1])
async def test_clients_that_missed_nothing_cause_no_read(
    fixture: ServerFixture, monkeypatch: pytest.MonkeyPatch, published: int
) -> None:
    position = None
    if published:
        end = await publish(fixture, published)
        position = {"epoch": end.epoch, "offset": end.offset}
    reads = Counted(monkeypatch, MemoryBroker, "read")
    clients = await fixture.connect(MEMBERS, positions=True)
    for client in clients:
        client.send("427" + json.dumps(["join_room", ROOM, position]))
    await settle()
    assert reads.calls == 0
    for client in clients:
        [answer] = client.written
        assert json.loads(answer[answer.index(b"437") + 3 :])[0]["recovered"] == bool(published)
    fixture.clear()
    await publish(fixture)
    await settle()
    assert {len(missed(client)) for client in clients} == {1}


async def test_a_log_that_has_grown_is_read_again(fixture: ServerFixture) -> None:
    first, second = await fixture.connect(2, positions=True)
    since = await publish(fixture)
    until = await publish(fixture)
    await resume([first], since, until)
    until = await publish(fixture)
    await resume([second], since, until)
    for client in (first, second):
        assert b"".join(client.written).count(b'["announcement"') == 2


async def test_replays_are_dropped_after_a_while(
    longwire_clock: ManualClock, fixture: ServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = await publish(fixture)
    until = await publish(fixture)
    reads = Counted(monkeypatch, MemoryBroker, "read")
    for read in (1, 2):
        clients = await fixture.connect(MEMBERS, positions=True)
        await resume(clients, since, until)
        assert reads.calls == read
        await longwire_clock.advance(CACHED_FOR)
        assert live_objects()["Replay"] == 0


async def test_few_replays_are_kept_at_a_time(fixture: ServerFixture) -> None:
    clients = await fixture.connect(2 * MAX_CACHED, positions=True)
    until = await publish(fixture, len(clients) + 1)
    for offset, client in enumerate(clients):
        await resume([client], Position(until.epoch, offset), until)
    assert live_objects()["Replay"] <= MAX_CACHED
