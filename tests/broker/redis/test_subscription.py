"""What a subscribed room delivers, whatever of its bells and its log can be had just then."""

from __future__ import annotations

import asyncio

import pytest

from longwire.broker.redis import subscription as feed_module
from longwire.broker.redis.log.entry import Bell
from longwire.broker.redis.subscription import Feed
from longwire.errors import BrokerUnavailable
from longwire.log import History, Publication, RoomLog
from longwire.types import Position
from tests.broker.recording import note
from tests.broker.redis.nodes import WaitingReceiver


class Source:
    """A log that can be out of reach, and bells that ring only when they are told to."""

    def __init__(self) -> None:
        self.log = RoomLog("first")
        self.refusals = 0
        self.before_reading: list[RoomLog] = []

    def append(self, count: int) -> Bell:
        """Let the log grow; returns the bell."""
        entries = [self.log.append(note(str(n)), 0) for n in range(count)]
        return Bell(self.log.epoch, entries)

    async def hold(self, room: str) -> Position:
        position = self.log.position
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise BrokerUnavailable("not now")
        return position

    async def read(self, room: str, since: Position) -> History:
        await asyncio.sleep(0)
        if self.before_reading:
            self.log = self.before_reading.pop()
        return self.log.read(since)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def receiver() -> WaitingReceiver:
    return WaitingReceiver()


@pytest.fixture
async def feed(source: Source, receiver: WaitingReceiver) -> Feed:
    feed = Feed("room", receiver, source.hold, source.read)
    await feed.begin()
    return feed


async def test_bells_that_come_before_the_feed_begins_are_not_lost(
    source: Source, receiver: WaitingReceiver
) -> None:
    feed = Feed("room", receiver, source.hold, source.read)
    early = source.append(2)
    beginning = asyncio.create_task(feed.begin())
    await asyncio.sleep(0)
    feed.ring(early)
    feed.ring(source.append(1))
    await beginning

    assert receiver.offsets("room") == [3]


async def test_a_log_out_of_reach_is_tried_again(
    source: Source, receiver: WaitingReceiver, feed: Feed
) -> None:
    source.append(3)
    source.refusals = 2
    feed.ring(source.append(1))
    await receiver.until_offset("room", 4)

    assert receiver.offsets("room") == [1, 2, 3, 4]


async def test_a_flood_of_bells_during_a_read_is_read_instead(
    source: Source, receiver: WaitingReceiver, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_EARLY", 10)
    source.append(1)
    for _ in range(35):
        feed.ring(source.append(1))
    feed.catch_up()
    await receiver.until_offset("room", 36)

    assert receiver.is_without_hole("room")
    assert receiver.offsets("room")[0] == 1


async def test_a_log_that_begins_anew_while_it_is_read_is_a_reset(
    source: Source, receiver: WaitingReceiver, feed: Feed
) -> None:
    source.append(2)
    anew = RoomLog("second")
    anew.append(note("new"), 0)
    source.before_reading = [anew]
    feed.ring(source.append(1))
    await receiver.until(lambda: bool(receiver.resets))
    feed.ring(Bell("second", [anew.append(note("newer"), 0)]))
    await receiver.until_offset("room", 2)

    assert receiver.resets == [("room", Position("second", 1))]
    assert receiver.offsets("room") == [2]


async def test_who_waits_for_a_position_is_told(source: Source, feed: Feed) -> None:
    first = feed.reached(Position("first", 1))
    second = feed.reached(Position("first", 2))
    feed.ring(source.append(1))
    assert first is not None
    assert second is not None
    await first
    assert not second.done()
    assert feed.reached(Position("first", 1)) is None

    feed.close()
    await second


class FailingReceiver(WaitingReceiver):
    def receive_publication(self, room: str, publication: Publication) -> None:
        super().receive_publication(room, publication)
        if publication.last == 1:
            raise ValueError("a bug")


async def test_a_receiver_that_fails_gets_what_follows(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = FailingReceiver()
    feed = Feed("room", receiver, source.hold, source.read)
    await feed.begin()
    feed.ring(source.append(3))

    assert receiver.offsets("room") == [1, 2, 3]
    assert "a receiver failed" in caplog.text


async def test_a_feed_that_is_closed_reads_no_more(source: Source, feed: Feed) -> None:
    source.refusals = 1_000_000
    feed.catch_up()
    feed.catch_up()
    await asyncio.sleep(0)
    feed.close()
    await asyncio.sleep(0)
    left = source.refusals
    await asyncio.sleep(0)

    assert source.refusals == left
