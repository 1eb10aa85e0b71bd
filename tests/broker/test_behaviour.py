"""The contract of all brokers, `longwire.broker.base`, clause by clause."""

from __future__ import annotations

import asyncio

import pytest

from longwire.errors import BrokerUnavailable, IdempotencyConflict
from longwire.log.publication import Draft
from longwire.log.retention import RetentionLimits
from longwire.types import Position
from tests.broker.conftest import SweepingBroker, sweep
from tests.broker.recording import (
    ManualClock,
    RecordingReceiver,
    note,
    output,
    progress,
    texts,
)


async def test_offsets_count_from_one_without_gaps(broker: SweepingBroker) -> None:
    positions = [await broker.publish("room", note(str(n))) for n in range(5)]

    assert [position.offset for position in positions] == [1, 2, 3, 4, 5]
    assert len({position.epoch for position in positions}) == 1
    assert await broker.position("room") == positions[-1]


async def test_concurrent_publishes_are_delivered_in_the_order_of_their_offsets(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("a")
    await broker.subscribe("b")

    await asyncio.gather(
        *(broker.publish("ab"[n % 2], note(str(n))) for n in range(40)),
        *(broker.publish("a", note(f"later {n}")) for n in range(10)),
    )

    assert receiver.offsets("a") == list(range(1, 31))
    assert receiver.offsets("b") == list(range(1, 21))
    assert [p.data for name, p in receiver.publications if name == "a"] == [
        p.data for p in (await broker.read("a")).publications
    ]


async def test_a_publish_is_delivered_when_it_returns(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")

    position = await broker.publish("room", note("x"))

    assert receiver.offsets("room") == [position.offset]


async def test_only_subscribed_rooms_are_delivered(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")
    await broker.subscribe("room")
    await broker.publish("room", note("1"))
    await broker.publish("other", note("1"))
    await broker.unsubscribe("room")
    await broker.unsubscribe("room")
    await broker.unsubscribe("never")
    await broker.publish("room", note("2"))

    assert receiver.offsets("room") == [1]
    assert receiver.offsets("other") == []
    assert await texts(broker, "room") == ["1", "2"]


async def test_volatile_events_are_not_logged(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")

    await broker.publish_volatile("room", note("here"))
    await broker.publish_volatile("other", note("nowhere"))

    assert receiver.volatile == [("room", note("here"))]
    assert (await broker.position("room")).offset == 0
    assert await broker.rooms("") == []


async def test_an_empty_subscribed_room_keeps_its_epoch(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    await broker.subscribe("room")
    before = await broker.position("room")
    clock.now += 10 * 24 * 3600
    await sweep(broker)

    assert await broker.position("room") == before
    assert (await broker.publish("room", note("1"))).epoch == before.epoch


async def test_reading_does_not_create_a_room(broker: SweepingBroker) -> None:
    history = await broker.read("ghost")

    assert history.position == await broker.position("ghost") == Position("", 0)
    assert history.publications == ()
    assert history.complete
    assert not history.recovered
    assert await broker.rooms("") == []


async def test_a_resume_receives_the_entries_after_its_position(broker: SweepingBroker) -> None:
    for number in range(1, 4):
        await broker.publish("room", progress(number))
        await broker.publish("room", note(str(number)))
    position = await broker.position("room")

    history = await broker.read("room", Position(position.epoch, 2))

    assert history.recovered
    assert [(p.first, p.last) for p in history.publications] == [(3, 4), (5, 5), (6, 6)]


async def test_reading_since_the_end_returns_nothing(broker: SweepingBroker) -> None:
    await broker.publish("room", note("old"))

    history = await broker.read("room", await broker.position("room"))

    assert history.recovered
    assert history.complete
    assert history.publications == ()


@pytest.mark.parametrize("offset", [-1, 3, 2**31, 2**63, 2**64, -(2**63), 10**30])
async def test_a_forged_offset_reads_the_retained_log(broker: SweepingBroker, offset: int) -> None:
    await broker.publish("room", note("1"))
    position = await broker.publish("room", note("2"))

    history = await broker.read("room", Position(position.epoch, offset))

    assert not history.recovered
    assert [p.last for p in history.publications] == [1, 2]


@pytest.mark.parametrize("epoch", ["", "other", "x" * 1_000_000, "\0", "\ud800"])
async def test_a_forged_epoch_reads_the_retained_log(broker: SweepingBroker, epoch: str) -> None:
    await broker.publish("room", note("1"))

    history = await broker.read("room", Position(epoch, 1))

    assert not history.recovered
    assert len(history.publications) == 1


@pytest.mark.parametrize(
    "room", ["", "x" * 200, "job:{42}", "a*b?[c]", "%_';--", "\N{SNOWMAN}", "a\0b", "a\nb"]
)
async def test_any_string_is_a_distinct_room_name(broker: SweepingBroker, room: str) -> None:
    await broker.publish(room, note("1"))
    await broker.publish(room + "x", note("2"))

    assert await texts(broker, room) == ["1"]
    assert await broker.rooms(room) == [room + "x", room]


async def test_rooms_are_listed_last_written_first(broker: SweepingBroker) -> None:
    for room in ("job:1", "job:2", "user:1", "job:3", "job:1"):
        await broker.publish(room, note(room))
    await broker.subscribe("job:empty")

    assert await broker.rooms("job:") == ["job:1", "job:3", "job:2"]
    assert await broker.rooms("none") == []


async def test_text_joins_and_state_is_superseded(broker: SweepingBroker) -> None:
    for number in range(50):
        await broker.publish("room", output(f"{number} "))
        await broker.publish("room", progress(number))
    await broker.publish("room", output("end"))

    history = await broker.read("room")

    assert await texts(broker, "room") == ["".join(f"{n} " for n in range(50)), "", "end"]
    assert [(p.first, p.last) for p in history.publications] == [(1, 99), (100, 100), (101, 101)]


async def test_reading_without_text(broker: SweepingBroker) -> None:
    for number in range(10):
        await broker.publish("room", output(f"{number} "))
        await broker.publish("room", progress(number) if number % 2 else note(str(number)))
    await broker.publish("room", output("end"))
    whole = await broker.read("room")
    rest = await broker.read("room", Position(whole.position.epoch, 9), with_text=False)

    assert (await broker.read("room", with_text=False)).position == whole.position
    assert [(p.first, p.last, p.event) for p in rest.publications] == [
        (10, 10, "note"),
        (11, 14, "note"),
        (15, 18, "note"),
        (19, 20, "job:progress"),
    ]
    assert (rest.recovered, rest.complete) == (True, True)


async def test_slices_continue_where_the_previous_one_ended(broker: SweepingBroker) -> None:
    for number in range(10):
        await broker.publish("room", note(str(number)))

    first = await broker.read("room", limit=4)
    second = await broker.read("room", Position(first.position.epoch, 4), max_bytes=1)
    third = await broker.read("room", Position(first.position.epoch, 5))

    assert [p.last for p in first.publications] == [1, 2, 3, 4]
    assert [p.last for p in second.publications] == [5]
    assert [p.last for p in third.publications] == [6, 7, 8, 9, 10]
    assert [first.complete, second.complete, third.complete] == [False, False, True]


@pytest.mark.parametrize("retention", [RetentionLimits(3, 1000, max_age=60.0)])
async def test_no_option_shortens_the_rooms_of_the_servers(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    """A revocation must outlive its token, also while every server is stopped."""
    for number in range(20):
        draft = Draft("revoked", b"{}", f"revoked {number}")
        await broker.publish("control revocations", draft)
        await broker.publish("control actions", note(str(number)))
    clock.now += 30 * 86_400
    await sweep(broker)

    for room in ("control revocations", "control actions"):
        assert len((await broker.read(room)).publications) == 20


async def test_a_room_that_precedes_others_is_subscribed_like_any_other(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe_first("control revocations")
    await broker.subscribe_first("control revocations")
    await broker.until_current()
    await broker.publish("control revocations", note("x"))
    assert receiver.offsets("control revocations") == [1]


@pytest.mark.parametrize("retention", [RetentionLimits(max_entries=3)])
async def test_a_position_before_dropped_entries_reads_the_retained_log(
    broker: SweepingBroker,
) -> None:
    for number in range(1, 8):
        await broker.publish("room", note(str(number)))
    epoch = (await broker.position("room")).epoch

    away = await broker.read("room", Position(epoch, 3))
    in_time = await broker.read("room", Position(epoch, 4))

    assert not away.recovered
    assert [(p.first, p.last) for p in away.publications] == [(1, 5), (6, 6), (7, 7)]
    assert in_time.recovered
    assert [(p.first, p.last) for p in in_time.publications] == [(5, 5), (6, 6), (7, 7)]


async def test_old_entries_are_dropped_except_state(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    await broker.publish("room", progress(10))
    await broker.publish("room", note("old"))
    clock.now += 3601
    await broker.publish("room", note("new"))
    await sweep(broker)

    history = await broker.read("room")

    assert [(p.first, p.last, p.event) for p in history.publications] == [
        (1, 1, "job:progress"),
        (2, 3, "note"),
    ]


async def test_a_deleted_idle_room_gets_another_epoch(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    before = await broker.publish("idle", progress(1))
    await broker.subscribe("used")
    used = await broker.publish("used", progress(1))
    clock.now += 3601
    await sweep(broker)

    assert await broker.rooms("") == ["used"]
    after = await broker.publish("idle", progress(2))

    assert after.epoch != before.epoch
    assert after.offset == 1
    assert not (await broker.read("idle", before)).recovered
    assert await broker.position("used") == used


async def test_a_retried_id_is_appended_and_delivered_once(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")
    first = await broker.publish("room", note("x"), id="a")
    await broker.publish("room", note("between"))

    assert await broker.publish("room", note("x"), id="a") == first
    assert receiver.offsets("room") == [1, 2]


async def test_concurrent_retries_of_one_id_are_one_publish(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")

    positions = await asyncio.gather(
        *(broker.publish("room", note("x"), id="a") for _ in range(10))
    )

    assert [position.offset for position in positions] == [1] * 10
    assert receiver.offsets("room") == [1]


async def test_ids_are_separate_for_each_room(broker: SweepingBroker) -> None:
    await broker.publish("a", note("x"), id="1")
    await broker.publish("b", note("y"), id="1")

    assert await texts(broker, "b") == ["y"]


async def test_an_id_with_another_body_conflicts(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")
    await broker.publish("room", note("x"), id="a")

    with pytest.raises(IdempotencyConflict):
        await broker.publish("room", note("y"), id="a")
    with pytest.raises(IdempotencyConflict):
        await broker.publish("room", Draft("other", note("x").data), id="a")

    assert receiver.offsets("room") == [1]


async def test_concurrent_publishes_with_one_id_and_two_bodies_conflict(
    broker: SweepingBroker,
) -> None:
    outcomes = await asyncio.gather(
        broker.publish("room", note("x"), id="a"),
        broker.publish("room", note("y"), id="a"),
        broker.publish("room", note("x"), id="a"),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], IdempotencyConflict)
    assert outcomes[0] == outcomes[2]
    assert await texts(broker, "room") == ["x"]


async def test_a_retry_may_have_another_timestamp(broker: SweepingBroker) -> None:
    first = await broker.publish("room", Draft("e", b'{"a":1,"timestamp":1}'), id="a")

    assert await broker.publish("room", Draft("e", b'{"timestamp":2,"a":1}'), id="a") == first


async def test_an_id_is_free_again_after_five_minutes(
    broker: SweepingBroker, clock: ManualClock
) -> None:
    await broker.publish("room", note("x"), id="a")
    clock.now += 299
    await broker.publish("room", note("x"), id="a")
    clock.now += 2

    assert (await broker.publish("room", note("y"), id="a")).offset == 2


async def test_the_number_of_remembered_ids_is_bounded(broker: SweepingBroker) -> None:
    for start in range(0, 12_000, 500):
        await asyncio.gather(
            *(broker.publish("room", progress(1), id=str(n)) for n in range(start, start + 500))
        )

    newest = await broker.publish("room", progress(1), id="11999")
    oldest = await broker.publish("room", progress(1), id="0")

    assert newest.offset == 12_000
    assert oldest.offset == 12_001


async def test_a_cancelled_publish_does_not_affect_others(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")
    cancelled = asyncio.create_task(broker.publish("room", note("cancelled")))
    other = asyncio.create_task(broker.publish("room", note("other")))
    await asyncio.sleep(0)
    cancelled.cancel()
    position = await other
    await asyncio.gather(cancelled, return_exceptions=True)

    assert receiver.offsets("room") == list(range(1, position.offset + 1))
    assert (await broker.position("room")) == position


async def test_a_closed_broker_raises(broker: SweepingBroker) -> None:
    await broker.publish("room", note("x"))
    await broker.close()

    with pytest.raises(BrokerUnavailable):
        await broker.publish("room", note("y"))
    with pytest.raises(BrokerUnavailable):
        await broker.read("room")


async def test_closing_twice_is_harmless(broker: SweepingBroker) -> None:
    await broker.close()
    await broker.close()


async def test_closing_completes_the_publishes_in_progress(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe("room")
    publishes = [asyncio.create_task(broker.publish("room", note(str(n)))) for n in range(2_500)]
    await asyncio.sleep(0)
    await broker.close()

    assert [position.offset for position in await asyncio.gather(*publishes)] == list(
        range(1, 2_501)
    )
    assert receiver.offsets("room") == list(range(1, 2_501))


async def test_a_broker_can_be_started_again_in_another_event_loop(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    """Tests of an application do this; the SQLite broker used to raise, the Redis one to hang."""
    await broker.subscribe("room")
    first = await broker.publish("room", note("1"), id="1")
    await broker.close()

    async def use() -> None:
        later = RecordingReceiver()
        await broker.start(later)
        assert await broker.rooms("") == (["room"] if broker.is_durable else [])
        await broker.publish("another", note("no longer subscribed"))
        await broker.subscribe("another")
        assert (await broker.publish("room", note("1"), id="1") == first) is broker.is_durable
        await broker.publish("another", note("2"))
        assert later.offsets("another") == [2]
        assert later.offsets("room") == []
        await broker.close()

    await asyncio.to_thread(asyncio.run, use())
    await broker.start(receiver)
    assert (await broker.position("another")).offset == (2 if broker.is_durable else 0)
