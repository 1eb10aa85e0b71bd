"""The table that nodes share: bounds, reuse of slots, and entries that cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.errors import BrokerUnavailable
from longwire.log.publication import Draft
from longwire.log.retention import CONTROL_ROOMS, RetentionLimits
from longwire.server import Hub
from longwire.server.control.table import Table, TableFull

ROOM = "control revocations"


@pytest.fixture(params=["memory", "sqlite"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    is_memory = request.param == "memory"
    broker: Broker = MemoryBroker() if is_memory else SQLiteBroker(tmp_path / "logs.db")
    yield broker
    await broker.close()


class Node:
    """A node that shares a broker in this process with others: only the first one is started."""

    def __init__(self, broker: Broker, limit: int = 100) -> None:
        self.changes: list[tuple[str, int | None]] = []
        self.hub = Hub(broker)
        self.table = Table(
            broker,
            self.hub,
            ROOM,
            int,
            limit,
            lambda key, value: self.changes.append((key, value)),
            lambda value: value < 0,
        )


async def started(broker: Broker, limit: int = 100) -> Node:
    node = Node(broker, limit)
    await broker.start(node.hub)
    await node.table.start()
    return node


async def test_changes_are_reported_and_read_by_the_next_node(broker: Broker) -> None:
    node = await started(broker)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("b", None)):
        await node.table.update(key, lambda known, value=value: value)
    assert node.changes == [("a", 1), ("b", 2), ("a", 3), ("b", None)]
    assert node.table.items() == [("a", 3)]

    later = Node(broker)
    await later.table.start()
    assert later.table.items() == [("a", 3)]
    assert (later.table.get("a"), later.table.get("b"), len(later.table)) == (3, None, 1)


async def test_a_slot_is_used_again_so_the_log_does_not_grow(broker: Broker) -> None:
    node = await started(broker, limit=2)
    for number in range(50):
        await node.table.update(f"key {number}", lambda known: 1)
        await node.table.update(f"key {number}", lambda known: None)
    await node.table.update("ended", lambda known: -1)  # it counts no longer, as `has_ended` says
    await node.table.update("b", lambda known: 1)
    await node.table.update("c", lambda known: 1)
    with pytest.raises(TableFull, match="2 entries"):
        await node.table.update("d", lambda known: 1)
    history = await broker.read(ROOM)
    assert len(history.publications) == 2
    assert dict(node.table.items()) == {"b": 1, "c": 1}
    assert ("ended", None) in node.changes


async def test_nothing_is_written_for_an_equal_value(broker: Broker) -> None:
    node = await started(broker)
    await node.table.update("a", lambda known: 1)
    before = await broker.position(ROOM)
    assert await node.table.update("a", lambda known: 1) == 1
    assert await node.table.update("missing", lambda known: None) is None
    assert await broker.position(ROOM) == before


async def test_concurrent_changes_of_one_key_are_all_made(broker: Broker) -> None:
    node = await started(broker)
    await asyncio.gather(
        *(node.table.update("a", lambda known: (known or 0) + 1) for _ in range(20)),
        *(
            node.table.update(f"b{number}", lambda known, value=number: value)
            for number in range(1, 20)
        ),
    )
    assert node.table.get("a") == 20
    assert len(node.table) == 20


async def test_an_entry_of_another_version_is_skipped(broker: Broker) -> None:
    node = await started(broker)
    await node.table.update("a", lambda known: 1)
    data = msgspec.json.encode(("b", {"of": "another version"}))
    await broker.publish(ROOM, Draft(ROOM, data, f"{ROOM} 1"))
    await node.table.update("c", lambda known: 3)
    assert node.table.items() == [("a", 1), ("c", 3)]
    assert data in [entry.data for entry in (await broker.read(ROOM)).publications]


async def test_retention_does_not_shorten_the_rooms_of_the_servers(tmp_path: Path) -> None:
    """A revocation must outlive its token, not the events of ordinary rooms."""
    now = 1_000_000.0
    tiny = RetentionLimits(max_entries=3, max_bytes=1000, max_age=60.0)
    path = tmp_path / "logs.db"
    broker = SQLiteBroker(path, retention=tiny, clock=lambda: now)
    node = await started(broker, limit=100)
    for number in range(50):
        await node.table.update(f"key {number}", lambda known: 1)
    await broker.close()

    now += 30 * 86_400
    broker = SQLiteBroker(path, retention=tiny, clock=lambda: now)
    await broker.start(Hub(broker))
    broker.sweep()
    await broker.close()
    broker = SQLiteBroker(path, retention=tiny, clock=lambda: now)
    node = await started(broker)
    assert len(node.table) == 50
    await broker.close()


def test_clients_cannot_name_the_rooms_of_the_servers() -> None:
    assert all(" " in room for room in CONTROL_ROOMS)


async def test_a_log_that_cannot_be_reached_is_reported() -> None:
    node = Node(MemoryBroker())
    with pytest.raises(BrokerUnavailable):
        await node.table.update("a", lambda known: 1)
