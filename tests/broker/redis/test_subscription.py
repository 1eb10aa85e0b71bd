"""What a subscribed room delivers when notifications are lost and its log is unavailable."""

from __future__ import annotations

import asyncio

import pytest

from longwire.broker.redis.log.entry import Notification
from longwire.broker.redis.subscription import RoomSubscription
from longwire.errors import BrokerUnavailable
from longwire.log.publication import History, Publication
from longwire.log.room_log import RoomLog
from longwire.types import Position
from tests.broker.recording import note
from tests.broker.redis.nodes import WaitingReceiver

MAX_BUFFERED = 10


class Source:
    """A log that can be unavailable, with notifications that the test delivers itself."""

    def __init__(self) -> None:
        self.log = RoomLog("first")
        self.refusals = 0
        self.replacements: list[RoomLog] = []

    def append(self, count: int) -> Notification:
        """Append entries, and return their notification."""
        entries = [self.log.append(note(str(n)), 0) for n in range(count)]
        return Notification(self.log.epoch, entries)

    async def hold(self, room: str) -> Position:
        position = self.log.position
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise BrokerUnavailable("unavailable")
        return position

    async def read(self, room: str, since: Position) -> History:
        await asyncio.sleep(0)
        if self.replacements:
            self.log = self.replacements.pop()
        return self.log.read(since)


async def subscribe(source: Source, receiver: WaitingReceiver) -> RoomSubscription:
    subscription = RoomSubscription(
        "room", receiver, source.hold, source.read, max_buffered=MAX_BUFFERED
    )
    await subscription.start()
    return subscription


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def receiver() -> WaitingReceiver:
    return WaitingReceiver()


@pytest.fixture
async def subscription(source: Source, receiver: WaitingReceiver) -> RoomSubscription:
    return await subscribe(source, receiver)


async def test_notifications_received_before_the_start_completes_are_not_lost(
    source: Source, receiver: WaitingReceiver
) -> None:
    subscription = RoomSubscription("room", receiver, source.hold, source.read)
    early = source.append(2)
    starting = asyncio.create_task(subscription.start())
    await asyncio.sleep(0)
    subscription.receive(early)
    subscription.receive(source.append(1))
    await starting

    assert receiver.offsets("room") == [3]


async def test_an_unavailable_log_is_read_again(
    source: Source, receiver: WaitingReceiver, subscription: RoomSubscription
) -> None:
    source.append(3)
    source.refusals = 2
    subscription.receive(source.append(1))
    await receiver.until_offset("room", 4)

    assert receiver.offsets("room") == [1, 2, 3, 4]


async def test_a_log_is_read_again_after_too_many_notifications_during_a_read(
    source: Source, receiver: WaitingReceiver, subscription: RoomSubscription
) -> None:
    source.append(1)
    for _ in range(35):
        subscription.receive(source.append(1))
    subscription.catch_up()
    await receiver.until_offset("room", 36)

    assert receiver.is_without_gap("room")
    assert receiver.offsets("room")[0] == 1


async def test_a_log_that_is_replaced_while_it_is_read_is_reset(
    source: Source, receiver: WaitingReceiver, subscription: RoomSubscription
) -> None:
    source.append(2)
    replacement = RoomLog("second")
    replacement.append(note("new"), 0)
    source.replacements = [replacement]
    subscription.receive(source.append(1))
    await receiver.until(lambda: bool(receiver.resets))
    subscription.receive(Notification("second", [replacement.append(note("newer"), 0)]))
    await receiver.until_offset("room", 2)

    assert receiver.resets == [("room", Position("second", 1))]
    assert receiver.offsets("room") == [2]


async def test_waiting_until_a_position_is_delivered(
    source: Source, subscription: RoomSubscription
) -> None:
    first = subscription.wait_until(Position("first", 1))
    second = subscription.wait_until(Position("first", 2))
    subscription.receive(source.append(1))
    assert first is not None
    assert second is not None
    await first
    assert not second.done()
    assert subscription.wait_until(Position("first", 1)) is None

    subscription.close()
    await second


class FailingReceiver(WaitingReceiver):
    def receive_publication(self, room: str, publication: Publication) -> None:
        super().receive_publication(room, publication)
        if publication.last == 1:
            raise ValueError("a bug")


async def test_a_receiver_that_raises_receives_the_following_entries(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = FailingReceiver()
    subscription = await subscribe(source, receiver)
    subscription.receive(source.append(3))

    assert receiver.offsets("room") == [1, 2, 3]
    assert "a receiver raised" in caplog.text


async def test_a_closed_subscription_no_longer_reads(
    source: Source, subscription: RoomSubscription
) -> None:
    source.refusals = 1_000_000
    subscription.catch_up()
    subscription.catch_up()
    await asyncio.sleep(0)
    subscription.close()
    await asyncio.sleep(0)
    left = source.refusals
    await asyncio.sleep(0)

    assert source.refusals == left
