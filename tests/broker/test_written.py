"""The list of rooms that were written since a mark, on all brokers."""

from __future__ import annotations

from pathlib import Path

import pytest

from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from tests.broker.conftest import SweepingBroker, sweep
from tests.broker.recording import ManualClock, RecordingReceiver, note
from tests.redis_server import RedisServer


async def follow(broker: Broker, mark: str) -> tuple[str, list[str]]:
    written = await broker.written_since(mark)
    assert len(written.mark) <= 100
    assert written.mark.isascii()
    return written.mark, list(written.rooms)


async def test_each_call_lists_the_rooms_written_since_the_last_one(
    broker: SweepingBroker,
) -> None:
    mark, rooms = await follow(broker, "")
    assert rooms == []
    for room in ("a", "b", "a"):
        await broker.publish(room, note("x"))

    mark, rooms = await follow(broker, mark)
    assert rooms == ["b", "a"]
    mark, rooms = await follow(broker, mark)
    assert rooms == []
    await broker.publish("b", note("y"))
    await broker.subscribe("only subscribed")
    mark, rooms = await follow(broker, mark)
    assert rooms == ["b"]


@pytest.mark.parametrize("mark", ["", "nonsense", "x 1 2", "-1", "9 9 9 9"])
async def test_an_unknown_mark_lists_all_rooms(broker: SweepingBroker, mark: str) -> None:
    for room in ("a", "b"):
        await broker.publish(room, note("x"))
    assert (await follow(broker, mark))[1] == ["a", "b"]


async def test_deleted_rooms_are_not_listed(broker: SweepingBroker, clock: ManualClock) -> None:
    await broker.written_since("")
    await broker.publish("old", note("x"))
    clock.now += 4000
    await broker.publish("new", note("x"))
    await sweep(broker)
    assert (await follow(broker, ""))[1] == ["new"]


async def test_the_rooms_of_consumers_are_not_deleted(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    position = await broker.publish("consumer ledger 0", note("x"))
    clock.now += 86_400
    await sweep(broker)
    assert await broker.position("consumer ledger 0") == position


async def test_a_mark_of_a_memory_broker_ends_with_the_process() -> None:
    broker = MemoryBroker()
    await broker.start(RecordingReceiver())
    await broker.publish("a", note("x"))
    mark, _ = await follow(broker, "")
    await broker.close()
    await broker.start(RecordingReceiver())
    await broker.publish("b", note("x"))
    assert (await follow(broker, mark))[1] == ["b"]
    await broker.close()


async def test_a_mark_of_a_file_outlives_the_process(tmp_path: Path, clock: ManualClock) -> None:
    async def opened() -> SQLiteBroker:
        broker = SQLiteBroker(tmp_path / "logs.db", clock=clock)
        await broker.start(RecordingReceiver())
        return broker

    broker = await opened()
    await broker.publish("long ago", note("x"))
    clock.now += 61
    await broker.publish("read", note("x"))
    mark, _ = await follow(broker, "")
    clock.now += 120
    await broker.publish("unread", note("x"))
    await broker.close()

    clock.now -= 30  # the clock of the machine was corrected
    broker = await opened()
    mark, rooms = await follow(broker, mark)
    assert rooms == ["read", "unread"]  # "read" in case that the clock was set back before
    await broker.publish("read", note("y"))
    mark, rooms = await follow(broker, mark)
    assert rooms == ["read"]
    await broker.close()


async def test_all_nodes_list_what_any_of_them_wrote(
    redis_server: RedisServer, prefix: str
) -> None:
    a, b = (RedisBroker(redis_server.url, prefix=prefix) for _ in range(2))
    for node in (a, b):
        await node.start(RecordingReceiver())
    await a.publish("a", note("x"))
    mark, rooms = await follow(b, "")
    assert rooms == ["a"]
    await b.publish("b", note("x"))
    assert (await follow(a, mark))[1] == ["b"]
    await a.close()
    await b.close()


@pytest.mark.parametrize(("durable", "listed"), [("yes", []), ("no", ["a"])])
async def test_a_mark_outlives_a_redis_that_lost_nothing(
    tmp_path: Path, durable: str, listed: list[str]
) -> None:
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as redis:
        if durable == "no":
            redis.run("CONFIG", "SET", "appendfsync", "everysec")
        broker = RedisBroker(redis.url)
        await broker.start(RecordingReceiver())
        await broker.publish("a", note("x"))
        mark, _ = await follow(broker, "")
        redis.restart()
        assert (await follow(broker, mark))[1] == listed
        await broker.close()


async def test_an_outdated_mark_of_redis_lists_all_rooms(
    redis_server: RedisServer, prefix: str, clock: ManualClock
) -> None:
    broker = RedisBroker(redis_server.url, prefix=prefix, clock=clock)
    await broker.start(RecordingReceiver())
    await broker.publish("a", note("x"))
    mark, _ = await follow(broker, "")
    assert (await follow(broker, mark))[1] == []
    clock.now += 50_000
    assert (await follow(broker, mark))[1] == ["a"]
    redis_server.run("DEL", f"{prefix}:{{rooms}}:written")
    mark, _ = await follow(broker, mark)
    await broker.publish("b", note("x"))
    assert (await follow(broker, mark))[1] == ["b"]
    await broker.close()
