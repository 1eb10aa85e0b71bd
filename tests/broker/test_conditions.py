"""Conditions of an append, on every broker: fences of attempts, and compare-and-set."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from longwire.errors import Conflict, IdempotencyConflict, JobEnded, StaleAttempt
from longwire.log.condition import Condition, Fence, FenceAction
from longwire.log.publication import Draft
from longwire.types import Position
from tests.broker.conftest import SweepingBroker
from tests.broker.recording import RecordingReceiver, note, output, progress, texts

ROOM = "job:1"


def fence(attempt: int, action: FenceAction = "append") -> Condition:
    return Condition(Fence(attempt, action))


def count(value: int) -> Draft:
    return Draft("counter", msgspec.json.encode({"value": value}), "counter:a")


async def test_a_late_worker_cannot_write_into_the_next_attempt(broker: SweepingBroker) -> None:
    await broker.publish(ROOM, note("created 1"), condition=fence(1, "claim"))
    await broker.publish(ROOM, output("one"), condition=fence(1))
    await broker.publish(ROOM, note("created 2"), condition=fence(2, "claim"))

    with pytest.raises(StaleAttempt) as refused:
        await broker.publish(ROOM, output("late"), condition=fence(1))
    with pytest.raises(StaleAttempt):
        await broker.publish(ROOM, note("completed 1"), condition=fence(1, "end"))
    await broker.publish(ROOM, output("two"), condition=fence(2))
    await broker.publish(ROOM, note("completed 2"), condition=fence(2, "end"))

    assert refused.value.attempt == 2
    assert await texts(broker, ROOM) == ["created 1", "one", "created 2", "two", "completed 2"]


async def test_only_one_worker_claims_an_attempt(broker: SweepingBroker) -> None:
    claims = await asyncio.gather(
        *(broker.publish(ROOM, note(str(n)), condition=fence(1, "claim")) for n in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(claim, Position) for claim in claims) == 1
    assert sum(isinstance(claim, StaleAttempt) for claim in claims) == 19
    assert (await broker.position(ROOM)).offset == 1


async def test_an_ended_job_takes_nothing_but_a_new_attempt(broker: SweepingBroker) -> None:
    await broker.publish(ROOM, note("created"), condition=fence(1, "claim"))
    await broker.publish(ROOM, note("completed"), condition=fence(1, "end"))

    for action in ("append", "end"):
        with pytest.raises(JobEnded):
            await broker.publish(ROOM, note("late"), condition=fence(1, action))
    with pytest.raises(StaleAttempt):
        await broker.publish(ROOM, note("created again"), condition=fence(1, "claim"))
    with pytest.raises(StaleAttempt):
        await broker.publish(ROOM, note("too far"), condition=fence(3, "claim"))
    await broker.publish(ROOM, note("created 2"), condition=fence(2, "claim"))

    assert await texts(broker, ROOM) == ["created", "completed", "created 2"]


async def test_a_created_attempt_is_claimed_by_a_worker_or_withdrawn(
    broker: SweepingBroker,
) -> None:
    await broker.publish("job:a", note("created"), condition=fence(1, "create"))
    await broker.publish("job:a", note("claimed"), condition=fence(1, "claim"))
    with pytest.raises(StaleAttempt):
        await broker.publish("job:a", note("cancelled"), condition=fence(1, "withdraw"))

    await broker.publish("job:b", note("created"), condition=fence(1, "create"))
    await broker.publish("job:b", note("cancelled"), condition=fence(1, "withdraw"))
    with pytest.raises(JobEnded):
        await broker.publish("job:b", note("claimed"), condition=fence(1, "claim"))

    assert await texts(broker, "job:a") == ["created", "claimed"]
    assert await texts(broker, "job:b") == ["created", "cancelled"]


async def test_a_worker_continues_its_attempt_in_a_log_that_was_lost(
    broker: SweepingBroker,
) -> None:
    await broker.publish(ROOM, output("attempt 3 of a log that Redis lost"), condition=fence(3))

    with pytest.raises(StaleAttempt):
        await broker.publish(ROOM, output("late"), condition=fence(2))


async def test_a_retry_of_an_append_that_succeeded_succeeds_whatever_happened_since(
    broker: SweepingBroker,
) -> None:
    await broker.publish(ROOM, note("created"), condition=fence(1, "claim"))
    end = await broker.publish(ROOM, note("completed"), id="end", condition=fence(1, "end"))
    await broker.publish(ROOM, note("created 2"), condition=fence(2, "claim"))

    again = await broker.publish(ROOM, note("completed"), id="end", condition=fence(1, "end"))
    with pytest.raises(IdempotencyConflict):
        await broker.publish(ROOM, note("another"), id="end", condition=fence(2))

    assert again == end


async def test_a_refused_append_does_not_use_up_its_id(broker: SweepingBroker) -> None:
    await broker.publish(ROOM, count(1), id="set", condition=Condition(expect=None))
    position = await broker.position(ROOM)
    with pytest.raises(Conflict):
        await broker.publish(ROOM, count(2), id="next", condition=Condition(expect=None))

    await broker.publish(ROOM, count(2), id="next", condition=Condition(expect=position))

    assert (await broker.position(ROOM)).offset == 2


async def test_refused_appends_are_not_delivered(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe(ROOM)
    await asyncio.gather(
        *(broker.publish(ROOM, count(n), condition=Condition(expect=None)) for n in range(10)),
        return_exceptions=True,
    )

    assert receiver.offsets(ROOM) == [1]
    assert (await broker.position(ROOM)).offset == 1


@pytest.mark.parametrize("make", [count, lambda n: progress(n), lambda n: note(str(n))])
async def test_a_conflict_names_the_current_value_and_its_position(
    broker: SweepingBroker, make
) -> None:
    first = await broker.publish(ROOM, make(1), condition=Condition(expect=None))
    await broker.publish(ROOM, Draft("other", b"{}"))
    second = await broker.publish(ROOM, make(2), condition=Condition(expect=first))

    with pytest.raises(Conflict) as refused:
        await broker.publish(ROOM, make(3), condition=Condition(expect=first))
    with pytest.raises(Conflict) as missing:
        await broker.publish("empty", make(3), condition=Condition(expect=first))

    assert refused.value.position == second
    assert refused.value.value == msgspec.json.decode(make(2).data)
    assert (missing.value.position, missing.value.value) == (None, None)


async def test_a_value_is_compared_within_its_own_slot(broker: SweepingBroker) -> None:
    first = await broker.publish(ROOM, progress(1, "a"), condition=Condition(expect=None))
    await broker.publish(ROOM, progress(1, "b"), condition=Condition(expect=None))
    await broker.publish(ROOM, progress(2, "a"), condition=Condition(expect=first))

    assert (await broker.position(ROOM)).offset == 3


async def test_fifty_writers_count_exactly(broker: SweepingBroker) -> None:
    async def increment() -> None:
        value, position = 0, None
        while True:
            try:
                await broker.publish(ROOM, count(value + 1), condition=Condition(expect=position))
                return
            except Conflict as conflict:
                position = conflict.position
                value = conflict.value["value"]

    await asyncio.gather(*(increment() for _ in range(50)))

    history = await broker.read(ROOM)
    assert msgspec.json.decode(history.publications[-1].data) == {"value": 50}
    assert history.position.offset == 50


async def test_a_failed_fence_leaves_the_expected_value_unchecked_and_both_unchanged(
    broker: SweepingBroker,
) -> None:
    await broker.publish(ROOM, count(1), condition=Condition(Fence(1, "claim"), None))
    with pytest.raises(Conflict):
        await broker.publish(ROOM, count(2), condition=Condition(Fence(2, "claim"), None))

    position = await broker.position(ROOM)
    await broker.publish(ROOM, count(2), condition=Condition(Fence(1), position))
