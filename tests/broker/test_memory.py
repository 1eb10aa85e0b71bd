"""The memory broker beyond the contract: its bounds, and a synchronous publish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from longwire.broker import MemoryBroker, MemoryLimits
from longwire.types import Position
from tests.broker.recording import ManualClock, RecordingReceiver, note, output, progress, texts


@asynccontextmanager
async def started(limits: MemoryLimits) -> AsyncIterator[MemoryBroker]:
    broker = MemoryBroker(limits=limits, clock=ManualClock())
    await broker.start(RecordingReceiver())
    yield broker
    await broker.close()


async def test_a_publish_neither_waits_nor_creates_a_task() -> None:
    async with started(MemoryLimits()) as broker:
        await broker.subscribe("room")
        tasks = asyncio.all_tasks()
        publishing = broker.publish("room", note("x"), id="a")
        with pytest.raises(StopIteration) as returned:  # the first step is the last
            publishing.send(None)

        assert returned.value.value.offset == 1
        assert asyncio.all_tasks() == tasks


async def test_the_room_idle_longest_is_deleted_beyond_the_bound() -> None:
    async with started(MemoryLimits(max_idle_rooms=3)) as broker:
        await broker.subscribe("watched")
        await broker.publish("watched", note("x"))
        for number in range(6):
            await broker.publish(f"room:{number}", note("x"))
        await broker.publish("room:3", note("y"))
        await broker.publish("room:6", note("x"))

        assert await broker.rooms("") == ["room:6", "room:3", "room:5", "watched"]

        await broker.unsubscribe("watched")
        assert await broker.rooms("") == ["room:6", "room:3", "watched"]


async def test_rooms_that_were_only_subscribed_to_are_deleted_first() -> None:
    async with started(MemoryLimits(max_idle_rooms=10)) as broker:
        before = await broker.publish("kept", note("x"))
        await broker.subscribe("kept")
        for number in range(1_000):
            await broker.subscribe(f"ghost:{number}")
            await broker.unsubscribe(f"ghost:{number}")

        assert await broker.position("kept") == before
        assert await broker.position("ghost:0") == Position("", 0)


async def test_the_size_of_all_rooms_is_bounded() -> None:
    async with started(MemoryLimits(max_bytes=20_000)) as broker:
        await broker.subscribe("watched")
        await broker.publish("watched", note("x" * 5_000))
        for number in range(20):
            await broker.publish(f"room:{number}", note("x" * 3_000))

        assert await broker.rooms("room:") == ["room:19", "room:18", "room:17", "room:16"]
        assert await texts(broker, "watched") == ["x" * 5_000]


async def test_compaction_and_superseding_free_memory() -> None:
    async with started(MemoryLimits(max_bytes=1_000_000)) as broker:
        await broker.publish("early", note("x"))
        for number in range(20_000):
            await broker.publish("job", progress(number))
            await broker.publish("job", output("word "))
        broker.sweep()

        assert await broker.rooms("") == ["job", "early"]
        assert "".join(await texts(broker, "job")) == "word " * 20_000


async def test_a_restarted_broker_has_other_epochs() -> None:
    async with started(MemoryLimits()) as broker:
        before = await broker.publish("room", note("x"))
    async with started(MemoryLimits()) as broker:
        after = await broker.publish("room", note("x"))
        history = await broker.read("room", before)

    assert before.offset == after.offset
    assert before.epoch != after.epoch
    assert not history.recovered
