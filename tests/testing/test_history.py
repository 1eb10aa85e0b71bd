"""The history checker: it accepts what the wire promises, and catches whoever breaks it."""

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
    """An event that does not conflate."""
    return Announcement(message=message, level="info")


class Homeless(Event, name="homeless"):
    """An event that does not tell its room."""


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


class Told:
    """A history in which publishers were told positions, and one reader."""

    def __init__(self, *events: Event, epoch: str = EPOCH) -> None:
        self.history = History()
        self.reader: Reader = self.history.reader("ada")
        self.reader.join(ROOM)
        for offset, event in enumerate(events, 1):
            self.publish(event, offset, epoch)

    def publish(self, event: Event, offset: int, epoch: str = EPOCH) -> None:
        attempt = self.history.offer(event, room=ROOM)
        self.history.acknowledge(attempt, Position(epoch, offset))

    def hear(self, *frames: Frame, epoch: str = EPOCH) -> Told:
        for one in frames:
            self.reader.apply(ROOM, epoch, one)
        return self

    def assert_broken(self, fault: Fault, offset: int, client: str = "ada") -> None:
        with pytest.raises(BrokenPromise) as broken:
            self.history.check()
        assert (broken.value.fault, broken.value.offset) == (fault, offset)
        assert (broken.value.room, broken.value.client) == (ROOM, client)
        for word in (ROOM, client, str(offset), fault):
            assert word in str(broken.value)


def whole() -> list[Frame]:
    return [frame(event, offset) for offset, event in enumerate(EVENTS, 1)]


def test_every_entry_once_and_in_order_is_proven() -> None:
    proof = Told(*EVENTS).hear(*whole()).history.check()
    assert (proof.published, proof.applied, proof.unknown, proof.restarts) == (6, 6, 0, 0)


def test_conflated_frames_are_proven() -> None:
    told = Told(*EVENTS)
    told.hear(frame(output("ab"), 1, 3), frame(note("kept"), 4))
    told.hear(frame(progress(20), 5), frame(output("c"), 6))
    assert told.history.check().applied == 4


@pytest.mark.parametrize("offset", range(1, 7))
def test_a_lost_entry_is_caught(offset: int) -> None:
    frames = whole()
    del frames[offset - 1]
    Told(*EVENTS).hear(*frames).assert_broken(Fault.LOST, offset)


@pytest.mark.parametrize("offset", range(2, 7))
def test_an_entry_that_comes_twice_is_caught(offset: int) -> None:
    frames = whole()
    frames.insert(offset, frames[offset - 1])
    Told(*EVENTS).hear(*frames).assert_broken(Fault.DUPLICATED, offset)


@pytest.mark.parametrize("offset", range(1, 6))
def test_swapped_entries_are_caught(offset: int) -> None:
    frames = whole()
    frames[offset - 1 : offset + 1] = reversed(frames[offset - 1 : offset + 1])
    Told(*EVENTS).hear(*frames).assert_broken(Fault.REORDERED, offset)


def test_who_hears_nothing_has_lost_the_first_entry() -> None:
    Told(*EVENTS).assert_broken(Fault.LOST, 1)


def test_another_payload_is_invented() -> None:
    frames = whole()
    frames[3] = frame(note("forged"), 4)
    Told(*EVENTS).hear(*frames).assert_broken(Fault.INVENTED, 4)


def test_another_event_is_invented() -> None:
    frames = whole()
    frames[3] = frame(progress(10), 4)
    Told(*EVENTS).hear(*frames).assert_broken(Fault.INVENTED, 4)


def test_an_entry_that_nobody_published_is_invented() -> None:
    Told(*EVENTS).hear(*whole(), frame(note("more"), 7)).assert_broken(Fault.INVENTED, 7)


def test_a_range_over_an_offset_that_nobody_published_is_invented() -> None:
    told = Told(*EVENTS).hear(*whole())
    told.publish(note("far"), 9)
    told.hear(frame(note("far"), 7, 9)).assert_broken(Fault.INVENTED, 7)


def test_a_range_that_swallows_what_nothing_supersedes_is_a_loss() -> None:
    frames = [*whole()[:3], frame(progress(20), 4, 5), frame(output("c"), 6)]
    Told(*EVENTS).hear(*frames).assert_broken(Fault.LOST, 4)


def test_a_range_that_swallows_the_newest_state_is_a_loss() -> None:
    frames = [*whole()[:4], frame(output("c"), 5, 6)]
    Told(*EVENTS).hear(*frames).assert_broken(Fault.LOST, 5)


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
def test_faults_within_a_joined_text_are_caught(text: str, fault: Fault, offset: int) -> None:
    told = Told(output("a"), output("b"), output("c"))
    told.hear(frame(output(text), 1, 3)).assert_broken(fault, offset)


def test_what_retention_dropped_may_be_missing() -> None:
    told = Told(*EVENTS)
    told.history.forget(ROOM, 4)
    told.hear(frame(progress(20), 1, 5), frame(output("c"), 6))
    assert told.history.check().applied == 2


def test_retention_may_drop_the_beginning_of_a_text() -> None:
    told = Told(output("a"), output("b"), output("c"))
    told.history.forget(ROOM, 2)
    told.hear(frame(output("c"), 1, 3))
    assert told.history.check().applied == 1


def test_a_reader_may_begin_behind_a_position() -> None:
    told = Told(*EVENTS)
    told.reader.join(ROOM, Position(EPOCH, 4))
    told.hear(*whole()[4:])
    assert told.history.check().applied == 2
    told.reader.join(ROOM, Position(EPOCH, 3))
    told.hear(*whole()[4:]).assert_broken(Fault.LOST, 4)


def test_a_log_that_began_anew_is_judged_by_itself() -> None:
    told = Told(*EVENTS).hear(*whole()[:2])
    told.publish(note("anew"), 1, "f")
    told.reader.reset(ROOM)
    told.hear(frame(note("anew"), 1), epoch="f")
    assert told.history.check().restarts == 1


def test_who_did_not_follow_to_the_new_log_has_lost_its_beginning() -> None:
    told = Told(*EVENTS).hear(*whole())
    told.publish(note("anew"), 1, "f")
    told.assert_broken(Fault.LOST, 1)


@pytest.mark.parametrize("epoch", [EPOCH, "f"])
def test_a_log_that_comes_again_without_a_reset_is_a_duplicate(epoch: str) -> None:
    told = Told(*EVENTS).hear(*whole())
    if epoch != EPOCH:
        for offset, event in enumerate(EVENTS, 1):
            told.publish(event, offset, epoch)
    told.hear(*whole(), epoch=epoch).assert_broken(Fault.DUPLICATED, 1)


def test_what_was_offered_and_never_acknowledged_may_come_once() -> None:
    told = Told(*EVENTS).hear(*whole())
    told.history.offer(note("perhaps"), room=ROOM)
    assert told.history.check().unknown == 1
    told.hear(frame(note("perhaps"), 7))
    assert told.history.check().unknown == 1
    told.hear(frame(note("perhaps"), 8)).assert_broken(Fault.INVENTED, 8)


def test_a_publication_that_stands_twice_is_caught() -> None:
    told = Told()
    for offset in (1, 2):
        attempt = told.history.offer(note("once"), room=ROOM, id="1", publisher="worker")
        told.history.acknowledge(attempt, Position(EPOCH, offset))
    told.assert_broken(Fault.DUPLICATED, 2, "worker")


def test_an_offset_that_two_publishers_were_told_is_caught() -> None:
    told = Told(note("mine"))
    told.publish(note("yours"), 1)
    told.assert_broken(Fault.LOST, 1, "a publisher")


def test_a_publishers_order_is_proven() -> None:
    told = Told()
    first = told.history.offer(note("first"), room=ROOM, publisher="worker")
    second = told.history.offer(note("second"), room=ROOM, publisher="worker")
    told.history.acknowledge(first, Position(EPOCH, 2))
    told.history.acknowledge(second, Position(EPOCH, 1))
    told.assert_broken(Fault.REORDERED, 1, "worker")


def test_a_failed_try_has_its_place_where_it_was_tried_again() -> None:
    told = Told()
    told.history.offer(note("first"), room=ROOM, id="1", publisher="worker")
    second = told.history.offer(note("second"), room=ROOM, id="2", publisher="worker")
    told.history.acknowledge(second, Position(EPOCH, 1))
    first = told.history.offer(note("first"), room=ROOM, id="1", publisher="worker")
    told.history.acknowledge(first, Position(EPOCH, 2))
    told.hear(frame(note("second"), 1), frame(note("first"), 2))
    assert told.history.check().published == 2


def test_an_event_needs_a_room() -> None:
    with pytest.raises(InvalidRoom):
        History(Contract([Homeless])).offer(Homeless())


async def test_a_client_is_followed_over_a_link_that_breaks(
    longwire_link: Link, longwire_clock: ManualClock
) -> None:
    history, server = History(), longwire_link.server
    client = await longwire_link.connect("ada")
    await history.publish(server, output("before "))
    await history.publish(server, progress(10))
    undo = history.reader("ada").follow(client, ROOM)
    await client.join_room(ROOM)
    longwire_link.cut(client)
    await history.publish(server, output("after"))
    await longwire_clock.advance(1)
    await history.caught_up()
    undo()
    proof = history.check()
    assert (proof.published, proof.applied) == (3, 3)
    await history.publish(server, progress(20))
    with pytest.raises(BrokenPromise, match="offset 4 is lost"):
        history.check()
