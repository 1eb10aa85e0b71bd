"""The positions of a shard, and the fence that protects them."""

from __future__ import annotations

import asyncio

import pytest

from longwire.broker import Broker
from longwire.broker.redis import RedisBroker
from longwire.errors import StaleAttempt
from longwire.log.retention import CONSUMER_PREFIX
from longwire.server.consumers.positions import Handled, Positions
from tests.broker.recording import RecordingReceiver
from tests.redis_server import RedisServer

ADA = Handled("account:ada", "e1", 5, "id5")
BOB = Handled("account:bob", "e1", 7, "id7", failures=2)


@pytest.fixture
async def started(broker: Broker) -> Broker:
    await broker.start(RecordingReceiver())
    return broker


async def claimed(broker: Broker, node: str = "a") -> Positions:
    positions = Positions(broker, "ledger", 0)
    assert await positions.claim(node)
    return positions


async def test_the_next_owner_reads_what_the_last_one_stored(started: Broker) -> None:
    first = await claimed(started)
    await first.save(Handled("account:ada"))
    await first.save(ADA)
    await first.save(BOB)
    await first.save_mark("mark 1")
    await first.save_mark("mark 2")
    second = await claimed(started)

    assert second.rooms == ["account:ada", "account:bob"]
    assert (second.get("account:ada"), second.get("account:bob")) == (ADA, BOB)
    assert second.get("account:eve") is None
    assert (first.mark, second.mark) == ("mark 2", "mark 2")
    await started.close()


async def test_a_former_owner_cannot_move_a_position(started: Broker) -> None:
    frozen = await claimed(started)
    await frozen.save(ADA)
    await claimed(started, "b")
    for write in (frozen.save(BOB), frozen.save_mark("x"), frozen.forget("account:ada")):
        with pytest.raises(StaleAttempt):
            await write
    third = await claimed(started, "c")

    assert third.rooms == ["account:ada"]
    assert third.mark is None
    await started.close()


async def test_only_one_of_two_simultaneous_claimants_can_write(started: Broker) -> None:
    await claimed(started)
    claimants = [Positions(started, "ledger", 0) for _ in range(2)]
    claims = await asyncio.gather(*(claimant.claim("x") for claimant in claimants))
    outcomes = await asyncio.gather(
        *(
            claimant.save(ADA)
            for claimant, is_mine in zip(claimants, claims, strict=True)
            if is_mine
        ),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert all(isinstance(outcome, StaleAttempt) for outcome in outcomes if outcome is not None)
    await started.close()


async def test_the_slot_of_a_room_that_is_gone_is_used_again(started: Broker) -> None:
    positions = await claimed(started)
    await positions.save(ADA)
    for number in range(20):
        room = f"account:{number}"
        await positions.save(Handled(room, "e1", 1))
        await positions.forget(room)
    await positions.forget("account:unknown")
    await positions.save(BOB)
    history = await started.read(f"{CONSUMER_PREFIX}ledger 0")
    again = await claimed(started)

    assert len(history.publications) == 3  # the claim, ADA and BOB
    assert again.rooms == ["account:ada", "account:bob"]
    await started.close()


async def test_positions_are_written_again_to_a_log_that_was_lost(
    redis_server: RedisServer,
) -> None:
    broker = RedisBroker(redis_server.url, prefix="lost")
    await broker.start(RecordingReceiver())
    positions = await claimed(broker)
    await positions.save(ADA)
    for key in redis_server.run("KEYS", "lost:{room:consumer*"):
        redis_server.run("DEL", key)
    await positions.save(BOB)

    assert (await claimed(broker)).rooms == ["account:ada", "account:bob"]
    await broker.close()
