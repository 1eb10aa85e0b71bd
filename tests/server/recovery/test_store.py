"""Records of closed connections, which are saved in the logs of a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from longwire.broker import MemoryBroker
from longwire.broker.base import Receiver
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.recovery.sent_log import SentLog
from longwire.server.recovery.store import MAX_SENT, RecoveryStore, SavedRecord
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


def batch(*offsets: int, room: str = "global") -> PreparedBatch:
    return PreparedBatch([PreparedMessage("tick", b"{}", room, n, n) for n in offsets])


def sent(*offsets: int) -> SentLog:
    log = SentLog(1000)
    log.begin("global", Position("e", 0))
    log.begin("user:ada", Position("e", 7))
    log.append(batch(*offsets))
    return log


def record(store: RecoveryStore, *offsets: int) -> SavedRecord:
    return SavedRecord("public", "ada", store.now_ms(), sent(*offsets).save(MAX_SENT))


async def test_the_newest_record_is_loaded(broker: MemoryBroker) -> None:
    store = RecoveryStore(broker, max_age=120)
    assert await store.load("private") is None
    for end in (1, 2):
        await store.save("private", record(store, *range(1, end + 1)))
    for number in range(300):
        await store.save(f"another {number}", record(store))
    saved = await RecoveryStore(broker, max_age=120).load("private")
    assert saved is not None
    assert (saved.sid, saved.user_id) == ("public", "ada")
    restored = SentLog.load(saved.sent, 1000)
    assert restored.positions("1@global") == {
        "global": Position("e", 1),
        "user:ada": Position("e", 7),
    }
    assert restored.newest == "2@global"


async def test_a_record_expires(broker: MemoryBroker) -> None:
    clock = Clock()
    store = RecoveryStore(broker, max_age=120, clock=clock)
    await store.save("private", record(store))
    clock.now += 120
    assert await store.load("private") is not None
    clock.now += 1
    assert await store.load("private") is None


async def test_the_log_does_not_contain_private_ids(broker: MemoryBroker) -> None:
    store = RecoveryStore(broker, max_age=120)
    await store.save("private", record(store, 1))
    [room] = await broker.rooms("recovery ")
    history = await broker.read(room)
    assert "private" not in room
    assert b"private" not in history.publications[0].data
    assert history.publications[0].slot != "private"


def test_a_saved_log_is_bounded_and_saving_does_not_change_the_log() -> None:
    whole = sent(*range(1, 601))
    saved = whole.save(MAX_SENT)
    assert len(saved.sent) == MAX_SENT
    restored = SentLog.load(saved, 1000)
    assert not restored.knows(None)
    assert not restored.knows(f"{600 - MAX_SENT - 1}@global")
    for known in (600 - MAX_SENT, 600):
        assert restored.positions(f"{known}@global") == whole.positions(f"{known}@global")
    assert whole.positions("1@global") == {
        "global": Position("e", 1),
        "user:ada": Position("e", 7),
    }
