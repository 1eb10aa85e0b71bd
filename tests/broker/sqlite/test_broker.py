"""The SQLite broker beyond the contract: what survives in its file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from longwire.broker import SQLiteBroker, SQLiteLimits
from longwire.broker.sqlite.file import LogFile, Transaction
from longwire.errors import BrokerUnavailable, IdempotencyConflict, LogFileError
from longwire.log.publication import Publication
from longwire.log.retention import RetentionLimits
from longwire.types import Position
from tests.broker.recording import (
    ManualClock,
    RecordingReceiver,
    note,
    output,
    progress,
    texts,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs.db"


@asynccontextmanager
async def opened(
    path: Path,
    *,
    limits: SQLiteLimits | None = None,
    retention: RetentionLimits | None = None,
    clock: ManualClock | None = None,
) -> AsyncIterator[SQLiteBroker]:
    broker = SQLiteBroker(
        path,
        limits=limits or SQLiteLimits(),
        retention=retention or RetentionLimits(),
        clock=clock or ManualClock(),
    )
    await broker.start(RecordingReceiver())
    try:
        yield broker
    finally:
        await broker.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


# A restart


async def test_logs_epochs_and_order_survive_a_restart(path: Path) -> None:
    async with opened(path) as broker:
        for number in range(30):
            await broker.publish("job:1", output(f"{number} "))
            await broker.publish("job:1", progress(number))
        await broker.publish("job:2", note("x"))
        before = await broker.read("job:1")
    async with opened(path) as broker:
        assert await broker.read("job:1") == before
        assert await broker.rooms("job:") == ["job:2", "job:1"]
        assert (await broker.read("job:1", Position(before.position.epoch, 57))).recovered
        after = await broker.publish("job:1", note("y"))

    assert after == Position(before.position.epoch, 61)


async def test_publish_ids_survive_a_restart(path: Path) -> None:
    async with opened(path) as broker:
        first = await broker.publish("room", note("x"), id="a")
    async with opened(path) as broker:
        assert await broker.publish("room", note("x"), id="a") == first
        with pytest.raises(IdempotencyConflict):
            await broker.publish("room", note("y"), id="a")


async def test_dropped_entries_are_deleted_from_the_file(path: Path) -> None:
    retention = RetentionLimits(max_entries=3)
    async with opened(path, retention=retention) as broker:
        for number in range(10):
            position = await broker.publish("room", note(str(number)))
    async with opened(path, retention=retention) as broker:
        history = await broker.read("room", Position(position.epoch, 5))
        assert not history.recovered
        assert await texts(broker, "room") == ["7", "8", "9"]
    assert rows(path, "SELECT last FROM entries") == [(8,), (9,), (10,)]


async def test_superseded_and_joined_entries_are_deleted_from_the_file(path: Path) -> None:
    async with opened(path) as broker:
        for number in range(2_000):
            publishes = [broker.publish("room", output("word ")) for _ in range(2)]
            await asyncio.gather(*publishes, broker.publish("room", progress(number)))
        before = await broker.read("room")
    kept = rows(path, "SELECT count(*), sum(length(data)) FROM entries")[0]
    async with opened(path) as broker:
        assert await broker.read("room") == before
        inside = Position(before.position.epoch, 3_001)
        rest = await broker.read("room", inside)

    assert kept[0] < 1_500
    assert rest.recovered
    assert [(p.first, p.last) for p in rest.publications] == [(3_002, 5_999), (6_000, 6_000)]
    assert rest.publications[0].data.count(b"word ") == 2 * 1_000 - 1


async def test_idle_rooms_are_deleted_from_the_file(path: Path) -> None:
    clock = ManualClock()
    async with opened(path, clock=clock) as broker:
        await broker.publish("old", note("x"), id="a")
        clock.now += 24 * 3600 + 1
        await broker.publish("new", note("y"))
        broker.sweep()
        await broker.publish("old", note("again"))

    assert rows(path, "SELECT name FROM rooms ORDER BY name") == [("new",), ("old",)]
    assert rows(path, "SELECT count(*) FROM entries") == [(2,)]
    assert rows(path, "SELECT count(*) FROM receipts") == [(0,)]


async def test_concurrent_publishes_share_a_transaction(path: Path) -> None:
    async with opened(path) as broker:
        await broker.publish("room", note("first"))
        wal = path.with_name("logs.db-wal")
        before = wal.stat().st_size
        await asyncio.gather(*(broker.publish("room", note(str(n))) for n in range(500)))
        pages = (wal.stat().st_size - before) / 4120

    assert pages < 50


# Memory


async def test_logs_are_unloaded_and_loaded_again(path: Path) -> None:
    limits = SQLiteLimits(max_loaded_bytes=5_000)
    async with opened(path, limits=limits) as broker:
        await broker.subscribe("watched")
        for number in range(20):
            for room in ("watched", "a", "b", "c", "d"):
                await broker.publish(room, note(f"{room}{number}"))
                await broker.publish(room, progress(number))
        for room in ("watched", "a", "b", "c", "d"):
            assert [t for t in await texts(broker, room) if t] == [f"{room}{n}" for n in range(20)]
            assert (await broker.position(room)).offset == 40
        retried = [
            await asyncio.gather(*(broker.publish(room, note("x"), id="1") for room in "abcd"))
            for _ in range(3)
        ]

    assert retried[0] == retried[1] == retried[2]


async def test_reading_without_text_does_not_load_the_log(path: Path) -> None:
    async with opened(path) as broker:
        for number in range(50):
            await broker.publish("room", output("word "))
            await broker.publish("room", progress(number))
            await broker.publish("room", note(str(number)))
        end = await broker.publish("room", output("end"))
        known = await broker.read("room", with_text=False)
    change(path, "UPDATE entries SET boundaries = x'c1' WHERE concat IS NOT NULL")
    async with opened(path) as broker:
        assert await broker.position("room") == end
        assert (await broker.read("room", end)).publications == ()
        assert await broker.read("room", with_text=False) == known
        with pytest.raises(BrokerUnavailable):
            await broker.read("room")

    assert len(known.publications) == 51
    assert known.position == end


async def test_entries_joined_by_loading_are_deleted_without_a_publish(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as broker:
        for room in ("a", "b"):
            await asyncio.gather(*(broker.publish(room, output("word ")) for _ in range(100)))
    loop, written, commit = asyncio.get_running_loop(), asyncio.Event(), LogFile.commit

    def commit_and_notify(file: LogFile, changes: Transaction) -> None:
        commit(file, changes)
        loop.call_soon_threadsafe(written.set)

    async with opened(path, limits=SQLiteLimits(max_loaded_bytes=1)) as broker:
        monkeypatch.setattr(LogFile, "commit", commit_and_notify)
        await broker.read("a")
        await broker.read("b")
        await written.wait()

    assert rows(path, "SELECT count(*) FROM entries") == [(2,)]


async def test_concurrent_reads_of_an_unloaded_room(path: Path) -> None:
    async with opened(path) as broker:
        for number in range(100):
            await broker.publish("room", note(str(number)))
    async with opened(path) as broker:
        cancelled = asyncio.create_task(broker.read("room"))
        await asyncio.sleep(0)
        cancelled.cancel()
        published, *histories = await asyncio.gather(
            broker.publish("room", note("x")), *(broker.read("room") for _ in range(10))
        )
        assert (await broker.read("room")).position == published

    assert published.offset == 101
    assert {len(history.publications) for history in histories} <= {100, 101}


async def test_rooms_are_bounded(path: Path) -> None:
    async with opened(path, limits=SQLiteLimits(max_rooms=3)) as broker:
        await broker.subscribe("watched")
        for number in range(6):
            await broker.publish(f"room:{number}", note("x"))
        await broker.publish("watched", note("x"))

        assert await broker.rooms("") == ["watched", "room:5", "room:4"]
    assert rows(path, "SELECT count(*) FROM rooms") == [(3,)]
    assert rows(path, "SELECT count(*) FROM entries") == [(3,)]


async def test_an_empty_room_is_not_stored(path: Path) -> None:
    async with opened(path) as broker:
        await broker.subscribe("room")
        await broker.unsubscribe("room")
        assert await broker.position("room") == Position("", 0)
    assert rows(path, "SELECT count(*) FROM rooms") == [(0,)]


# Failures


async def test_a_receiver_that_raises_does_not_affect_publishes(path: Path) -> None:
    class Failing(RecordingReceiver):
        def receive_publication(self, room: str, publication: Publication) -> None:
            super().receive_publication(room, publication)
            raise RuntimeError("a bug")

    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: reported.append(context["exception"])
    )
    receiver = Failing()
    broker = SQLiteBroker(path)
    await broker.start(receiver)
    await broker.subscribe("room")
    await broker.publish("room", note("1"))
    await broker.publish("room", note("2"))
    await broker.close()

    assert receiver.offsets("room") == [1, 2]
    assert [str(error) for error in reported] == ["a bug", "a bug"]


async def test_a_name_that_is_not_valid_unicode_does_not_affect_other_publishes(path: Path) -> None:
    async with opened(path) as broker:
        outcomes = await asyncio.gather(
            broker.publish("room", note("x")),
            broker.publish("\ud800", note("x")),
            broker.publish("room", note("y")),
            return_exceptions=True,
        )

    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert [outcome.offset for outcome in outcomes if isinstance(outcome, Position)] == [1, 2]


async def test_a_damaged_log_raises_and_other_rooms_work(path: Path) -> None:
    async with opened(path) as broker:
        await broker.publish("broken", note("x"))
        await broker.publish("sound", note("x"))
    change(path, "UPDATE entries SET boundaries = x'c1' WHERE room = 1")
    async with opened(path) as broker:
        with pytest.raises(BrokerUnavailable, match="cannot read the log of room 'broken'"):
            await broker.read("broken")
        with pytest.raises(BrokerUnavailable):
            await broker.subscribe("broken")
        assert await texts(broker, "sound") == ["x"]


async def test_epochs_change_after_a_power_failure(path: Path) -> None:
    async with opened(path) as broker:
        before = await broker.publish("room", note("x"), id="a")
    change(path, "UPDATE opening SET boot = 'another', clean = 0")
    async with opened(path) as broker:
        after = await broker.position("room")
        history = await broker.read("room", before)
        repeated = await broker.publish("room", note("x"), id="a")

    assert after.epoch != before.epoch
    assert (after.offset, repeated.offset) == (1, 2)
    assert not history.recovered
    assert len(history.publications) == 1


async def test_closing_a_broker_that_was_not_started(path: Path) -> None:
    await SQLiteBroker(path).close()
    assert not path.with_name("logs.db-wal").exists()


async def test_a_foreign_database_is_rejected_unchanged(path: Path) -> None:
    change(path, "CREATE TABLE precious (data)")

    with pytest.raises(LogFileError, match="not a Longwire log file"):
        async with opened(path):
            pass
    assert rows(path, "SELECT name FROM sqlite_master") == [("precious",)]


async def test_one_file_serves_one_broker(path: Path) -> None:
    async with opened(path) as broker:
        await broker.publish("room", note("x"))
        with pytest.raises(LogFileError, match="in use by another process"):
            async with opened(path):
                pass
        await broker.publish("room", note("y"))
