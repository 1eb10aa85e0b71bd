"""`History.check`: accepts every delivery that the wire allows, and reports every other one."""

from __future__ import annotations

import msgspec
import pytest

from longwire import Contract, Event, Server
from longwire.catalog import Announcement, JobOutput, JobProgress, JobStatus
from longwire.errors import InvalidRoom
from longwire.testing import (
    BrokenPromise,
    Fault,
    Frame,
    History,
    Link,
    ManualClock,
    Reader,
    authenticate_by_name,
)
from longwire.types import Position

ROOM = "job:1"
EPOCH = "e"


@pytest.fixture
def longwire_server() -> Server:
    return Server(authenticate=authenticate_by_name, shared_jobs=True)


def output(text: str) -> JobOutput:
    return JobOutput(job_id="1", chunk=text)


def progress(value: float) -> JobProgress:
    return JobProgress(job_id="1", progress=value, current_step="working")


def note(message: str) -> Announcement:
    """Return an event that does not conflate."""
    return Announcement(message=message, level="info")


class RoomlessEvent(Event, name="homeless"):
    """An event that does not declare its room."""


EVENTS: list[Event] = [
    output("a"),
    progress(10),
    output("b"),
    note("kept"),
    progress(20),
    output("c"),
]


def frame(event: Event, first: int, last: int | None = None) -> Frame:
    name = {
        JobOutput: "job:output",
        JobProgress: "job:progress",
        JobStatus: "job:status",
        Announcement: "announcement",
    }[type(event)]
    return Frame(first, last or first, name, msgspec.json.encode(event))


class Recorded:
    """A history with acknowledged publications and one reader."""

    def __init__(self, *events: Event, epoch: str = EPOCH) -> None:
        self.history = History()
        self.reader: Reader = self.history.reader("ada")
        self.reader.join(ROOM)
        for offset, event in enumerate(events, 1):
            self.publish(event, offset, epoch)

    def publish(self, event: Event, offset: int, epoch: str = EPOCH) -> None:
        attempt = self.history.offer(event, room=ROOM)
        self.history.acknowledge(attempt, Position(epoch, offset))

    def receive(self, *frames: Frame, epoch: str = EPOCH) -> Recorded:
        for received in frames:
            self.reader.apply(ROOM, epoch, received)
        return self

    def assert_broken(self, fault: Fault, offset: int, client: str = "ada") -> None:
        with pytest.raises(BrokenPromise) as broken:
            self.history.check()
        assert (broken.value.fault, broken.value.offset) == (fault, offset)
        assert (broken.value.room, broken.value.client) == (ROOM, client)
        for word in (ROOM, client, str(offset), fault):
            assert word in str(broken.value)


def all_frames() -> list[Frame]:
    return [frame(event, offset) for offset, event in enumerate(EVENTS, 1)]


def test_accepts_every_entry_once_and_in_order() -> None:
    proof = Recorded(*EVENTS).receive(*all_frames()).history.check()
    assert (proof.published, proof.applied, proof.unknown, proof.restarts) == (6, 6, 0, 0)


def test_accepts_conflated_frames() -> None:
    recorded = Recorded(*EVENTS)
    recorded.receive(frame(output("ab"), 1, 3), frame(note("kept"), 4))
    recorded.receive(frame(progress(20), 5), frame(output("c"), 6))
    assert recorded.history.check().applied == 4


@pytest.mark.parametrize("offset", range(1, 7))
def test_reports_a_lost_entry(offset: int) -> None:
    frames = all_frames()
    del frames[offset - 1]
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.LOST, offset)


@pytest.mark.parametrize("offset", range(2, 7))
def test_reports_a_duplicated_entry(offset: int) -> None:
    frames = all_frames()
    frames.insert(offset, frames[offset - 1])
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.DUPLICATED, offset)


@pytest.mark.parametrize("offset", range(1, 6))
def test_reports_swapped_entries(offset: int) -> None:
    frames = all_frames()
    frames[offset - 1 : offset + 1] = reversed(frames[offset - 1 : offset + 1])
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.REORDERED, offset)


def test_reports_a_reader_that_received_nothing() -> None:
    Recorded(*EVENTS).assert_broken(Fault.LOST, 1)


def test_reports_a_changed_payload() -> None:
    frames = all_frames()
    frames[3] = frame(note("forged"), 4)
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.INVENTED, 4)


def test_reports_a_changed_event() -> None:
    frames = all_frames()
    frames[3] = frame(progress(10), 4)
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.INVENTED, 4)


def test_reports_an_entry_that_was_not_published() -> None:
    Recorded(*EVENTS).receive(*all_frames(), frame(note("more"), 7)).assert_broken(
        Fault.INVENTED, 7
    )


def test_reports_a_range_over_an_offset_without_a_publication() -> None:
    recorded = Recorded(*EVENTS).receive(*all_frames())
    recorded.publish(note("far"), 9)
    recorded.receive(frame(note("far"), 7, 9)).assert_broken(Fault.INVENTED, 7)


def test_reports_a_range_that_lacks_an_entry() -> None:
    frames = [*all_frames()[:3], frame(progress(20), 4, 5), frame(output("c"), 6)]
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.LOST, 4)


def test_reports_a_range_that_lacks_the_newest_state() -> None:
    frames = [*all_frames()[:4], frame(output("c"), 5, 6)]
    Recorded(*EVENTS).receive(*frames).assert_broken(Fault.LOST, 5)


@pytest.mark.parametrize(
    ("text", "fault", "offset"),
    [
        ("ab", Fault.LOST, 3),
        ("ac", Fault.LOST, 2),
        ("bc", Fault.LOST, 1),
        ("", Fault.LOST, 1),
        ("acb", Fault.REORDERED, 2),
        ("aabc", Fault.DUPLICATED, 1),
        ("abcc", Fault.DUPLICATED, 3),
        ("abx", Fault.INVENTED, 3),
        ("abcx", Fault.INVENTED, 4),
    ],
)
def test_reports_faults_within_a_joined_text(text: str, fault: Fault, offset: int) -> None:
    recorded = Recorded(output("a"), output("b"), output("c"))
    recorded.receive(frame(output(text), 1, 3)).assert_broken(fault, offset)


def test_accepts_the_loss_of_entries_dropped_by_retention() -> None:
    recorded = Recorded(*EVENTS)
    recorded.history.forget(ROOM, 4)
    recorded.receive(frame(progress(20), 1, 5), frame(output("c"), 6))
    assert recorded.history.check().applied == 2


def test_accepts_a_text_whose_beginning_retention_dropped() -> None:
    recorded = Recorded(output("a"), output("b"), output("c"))
    recorded.history.forget(ROOM, 2)
    recorded.receive(frame(output("c"), 1, 3))
    assert recorded.history.check().applied == 1


def test_a_reader_may_join_after_a_position() -> None:
    recorded = Recorded(*EVENTS)
    recorded.reader.join(ROOM, Position(EPOCH, 4))
    recorded.receive(*all_frames()[4:])
    assert recorded.history.check().applied == 2
    recorded.reader.join(ROOM, Position(EPOCH, 3))
    recorded.receive(*all_frames()[4:]).assert_broken(Fault.LOST, 4)


def test_checks_a_restarted_log_on_its_own() -> None:
    recorded = Recorded(*EVENTS).receive(*all_frames()[:2])
    recorded.publish(note("restarted"), 1, "f")
    recorded.reader.reset(ROOM)
    recorded.receive(frame(note("restarted"), 1), epoch="f")
    assert recorded.history.check().restarts == 1


def test_reports_a_reader_that_missed_the_restarted_log() -> None:
    recorded = Recorded(*EVENTS).receive(*all_frames())
    recorded.publish(note("restarted"), 1, "f")
    recorded.assert_broken(Fault.LOST, 1)


@pytest.mark.parametrize("epoch", [EPOCH, "f"])
def test_reports_a_log_received_again_without_a_reset(epoch: str) -> None:
    recorded = Recorded(*EVENTS).receive(*all_frames())
    if epoch != EPOCH:
        for offset, event in enumerate(EVENTS, 1):
            recorded.publish(event, offset, epoch)
    recorded.receive(*all_frames(), epoch=epoch).assert_broken(Fault.DUPLICATED, 1)


def test_accepts_an_unacknowledged_publication_once() -> None:
    recorded = Recorded(*EVENTS).receive(*all_frames())
    recorded.history.offer(note("perhaps"), room=ROOM)
    assert recorded.history.check().unknown == 1
    recorded.receive(frame(note("perhaps"), 7))
    assert recorded.history.check().unknown == 1
    recorded.receive(frame(note("perhaps"), 8)).assert_broken(Fault.INVENTED, 8)


def test_reports_a_publication_acknowledged_at_two_offsets() -> None:
    recorded = Recorded()
    for offset in (1, 2):
        attempt = recorded.history.offer(note("once"), room=ROOM, id="1", publisher="worker")
        recorded.history.acknowledge(attempt, Position(EPOCH, offset))
    recorded.assert_broken(Fault.DUPLICATED, 2, "worker")


def test_reports_an_offset_acknowledged_to_two_publishers() -> None:
    recorded = Recorded(note("mine"))
    recorded.publish(note("yours"), 1)
    recorded.assert_broken(Fault.LOST, 1, "a publisher")


def test_reports_a_broken_publisher_order() -> None:
    recorded = Recorded()
    first = recorded.history.offer(note("first"), room=ROOM, publisher="worker")
    second = recorded.history.offer(note("second"), room=ROOM, publisher="worker")
    recorded.history.acknowledge(first, Position(EPOCH, 2))
    recorded.history.acknowledge(second, Position(EPOCH, 1))
    recorded.assert_broken(Fault.REORDERED, 1, "worker")


def test_a_retry_determines_the_order_of_a_publication() -> None:
    recorded = Recorded()
    recorded.history.offer(note("first"), room=ROOM, id="1", publisher="worker")
    second = recorded.history.offer(note("second"), room=ROOM, id="2", publisher="worker")
    recorded.history.acknowledge(second, Position(EPOCH, 1))
    first = recorded.history.offer(note("first"), room=ROOM, id="1", publisher="worker")
    recorded.history.acknowledge(first, Position(EPOCH, 2))
    recorded.receive(frame(note("second"), 1), frame(note("first"), 2))
    assert recorded.history.check().published == 2


def test_an_event_needs_a_room() -> None:
    with pytest.raises(InvalidRoom):
        History(Contract([RoomlessEvent])).offer(RoomlessEvent())


async def test_follows_a_client_across_a_reconnect(
    longwire_link: Link, longwire_clock: ManualClock
) -> None:
    history, server = History(), longwire_link.server
    client = await longwire_link.connect("ada")
    await history.publish(server, output("before "))
    await history.publish(server, progress(10))
    stop = history.reader("ada").follow(client, ROOM)
    await client.join_room(ROOM)
    longwire_link.cut(client)
    await history.publish(server, output("after"))
    await longwire_clock.advance(1)
    await history.caught_up()
    stop()
    proof = history.check()
    assert (proof.published, proof.applied) == (3, 3)
    await history.publish(server, progress(20))
    with pytest.raises(BrokenPromise, match="offset 4 is lost"):
        history.check()
