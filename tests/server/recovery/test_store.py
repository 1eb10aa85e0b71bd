"""Records of connections that ended: kept in a broker's logs, for whoever goes on with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from longwire.broker import MemoryBroker
from longwire.broker.base import Receiver
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.recovery.sent_log import Trail
from longwire.server.recovery.store import MAX_SENT, KeptRecord, RecoveryStore
from longwire.server.rooms.hub import Hub
from longwire.types import Position

START = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    broker = MemoryBroker()
    await broker.start(cast("Receiver", Hub(broker)))
    yield broker
    await broker.close()


def sent(*offsets: int, room: str = "global") -> PreparedBatch:
    return PreparedBatch([PreparedMessage("tick", b"{}", room, n, n) for n in offsets])


def trail(*offsets: int) -> Trail:
    trail = Trail(1000)
    trail.begin("global", Position("e", 0))
    trail.begin("user:ada", Position("e", 7))
    trail.note(sent(*offsets))
    return trail


def record(store: RecoveryStore, *offsets: int) -> KeptRecord:
    return KeptRecord("public", "ada", store.now_ms(), trail(*offsets).keep(MAX_SENT))


async def test_what_was_kept_last_is_found(broker: MemoryBroker) -> None:
    store = RecoveryStore(broker, max_age=120)
    assert await store.load("private") is None
    for end in (1, 2):
        await store.save("private", record(store, *range(1, end + 1)))
    for number in range(300):
        await store.save(f"another {number}", record(store))
    kept = await RecoveryStore(broker, max_age=120).load("private")
    assert kept is not None
    assert (kept.sid, kept.user_id) == ("public", "ada")
    restored = Trail.restore(kept.trail, 1000)
    assert restored.positions("1@global") == {
        "global": Position("e", 1),
        "user:ada": Position("e", 7),
    }
    assert restored.newest == "2@global"


async def test_what_is_too_old_is_not(broker: MemoryBroker) -> None:
    clock = Clock()
    store = RecoveryStore(broker, max_age=120, clock=clock)
    await store.save("private", record(store))
    clock.now += 120
    assert await store.load("private") is not None
    clock.now += 1
    assert await store.load("private") is None


async def test_who_reads_the_log_does_not_learn_private_ids(broker: MemoryBroker) -> None:
    store = RecoveryStore(broker, max_age=120)
    await store.save("private", record(store, 1))
    [room] = await broker.rooms("recovery ")
    history = await broker.read(room)
    assert "private" not in room
    assert b"private" not in history.publications[0].data
    assert history.publications[0].slot != "private"


def test_a_kept_trail_is_bounded_and_leaves_the_own_one_as_it_is() -> None:
    whole = trail(*range(1, 601))
    kept = whole.keep(MAX_SENT)
    assert len(kept.sent) == MAX_SENT
    restored = Trail.restore(kept, 1000)
    assert not restored.knows(None)
    assert not restored.knows(f"{600 - MAX_SENT - 1}@global")
    for known in (600 - MAX_SENT, 600):
        assert restored.positions(f"{known}@global") == whole.positions(f"{known}@global")
    assert whole.positions("1@global") == {
        "global": Position("e", 1),
        "user:ada": Position("e", 7),
    }
