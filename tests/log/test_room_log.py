"""The room log: positions, retention, slices, and the cost of a long job."""

from __future__ import annotations

import msgspec
import pytest

from longwire.log.joined_text import MAX_JOINED
from longwire.log.publication import Draft, Publication
from longwire.log.retention import ENTRY_OVERHEAD, RetentionLimits
from longwire.log.room_log import COMPACT_AFTER, MAX_STATE_BYTES, MAX_STATE_ENTRIES, RoomLog
from longwire.types import Position
from tests.operations import count_operations


def note(text: str = "") -> Draft:
    return Draft("note", msgspec.json.encode({"text": text}))


def state(slot: str, value: int = 0, padding: str = "") -> Draft:
    data = msgspec.json.encode({"value": value, "padding": padding})
    return Draft("state", data, f"state:{slot}")


def output(chunk: str, type: str = "writing") -> Draft:
    data = msgspec.json.encode({"jobId": "1", "chunk": chunk, "type": type})
    return Draft("job:output", data, f"job:output:{type}", "chunk")


def filled(drafts: list[Draft], limits: RetentionLimits | None = None) -> RoomLog:
    log = RoomLog("e", limits or RetentionLimits())
    for number, draft in enumerate(drafts):
        log.append(draft, number)
    return log


def ranges(publications: tuple[Publication, ...]) -> list[tuple[int, int]]:
    return [(publication.first, publication.last) for publication in publications]


def text_of(publications: tuple[Publication, ...]) -> str:
    return "".join(msgspec.json.decode(p.data).get("chunk", "") for p in publications)


# Reading


def test_the_position_of_an_empty_log_is_zero() -> None:
    log = RoomLog("e")

    assert log.position == Position("e", 0)
    assert log.newest is None
    assert log.read(Position("e", 0)).recovered
    assert not log.read(None).recovered
    assert log.read(None).complete


def test_offset_zero_can_be_recovered_while_nothing_was_dropped() -> None:
    log = filled([note(), note()])

    history = log.read(Position("e", 0))

    assert history.recovered
    assert ranges(history.publications) == [(1, 1), (2, 2)]


def test_superseded_offsets_belong_to_the_next_range() -> None:
    log = filled([state("a"), state("b"), state("a"), note(), state("a"), state("b")])

    assert ranges(log.read(None).publications) == [(1, 4), (5, 5), (6, 6)]
    assert ranges(log.read(Position("e", 2)).publications) == [(3, 4), (5, 5), (6, 6)]
    assert ranges(log.read(Position("e", 4)).publications) == [(5, 5), (6, 6)]


def test_text_never_moves_across_another_entry() -> None:
    log = filled([state("p"), output("a"), state("s"), output("b")])

    publications = log.read(None).publications

    assert ranges(publications) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert log.read(Position("e", 3)).publications == publications[3:]


def test_text_of_different_keys_does_not_join() -> None:
    log = filled([output("a"), output("hm", "thinking"), output("b"), output("c")])

    assert ranges(log.read(None).publications) == [(1, 1), (2, 2), (3, 4)]


def test_a_sliced_read_continues_although_the_log_has_grown() -> None:
    log = filled([note("1"), state("p", 1), note("2")])
    first = log.read(None, limit=2)
    log.append(state("p", 2), 0)
    rest = log.read(Position("e", first.publications[-1].last))

    assert ranges(first.publications) == [(1, 1), (2, 2)]
    assert ranges(rest.publications) == [(3, 3), (4, 4)]


def test_a_slice_is_bounded_by_frames_and_by_bytes() -> None:
    log = filled([note("x" * 100) for _ in range(20)])

    assert len(log.read(None, limit=3).publications) == 3
    assert len(log.read(None, max_bytes=250).publications) == 3
    assert len(log.read(None, max_bytes=0).publications) == 1
    assert log.read(None, limit=20).complete
    assert not log.read(None, limit=19).complete


# Text


def test_a_finished_job_of_100_000_tokens_is_ten_frames_of_a_short_log() -> None:
    log = RoomLog("e")
    log.append(state("created"), 0)
    for number in range(100_000):
        log.append(output(f"token{number:05d}"), number)
        if number % 10 == 0:
            log.append(state("progress", number), number)
    log.append(state("completed"), 0)
    length = log.entry_count

    history = log.read(None, max_bytes=1 << 30)

    assert text_of(history.publications) == "".join(f"token{n:05d}" for n in range(100_000))
    assert log.trimmed == 0
    assert len(history.publications) <= 10
    assert length <= 10 + COMPACT_AFTER  # a read walks these, not 100,000 pieces
    assert log.byte_count < 4_000_000


@pytest.mark.parametrize("cut", [1, 2, 1_000, COMPACT_AFTER, 2 * COMPACT_AFTER + 1, 2_999, 3_000])
def test_a_cursor_inside_joined_text_receives_exactly_the_rest(cut: int) -> None:
    words = [f'{number}é\U0001f600"\\\n ' for number in range(3_000)]
    log = filled([output(word) for word in words])

    history = log.read(Position("e", cut), max_bytes=1 << 30)

    assert history.recovered
    assert text_of(history.publications) == "".join(words[cut:])
    assert ranges(history.publications) == ([(cut + 1, 3_000)] if cut < 3_000 else [])


def test_the_size_of_joined_text_is_bounded() -> None:
    log = filled([output("x" * 10_000) for _ in range(100)])
    log.trim(0)

    publications = log.read(None, max_bytes=1 << 30).publications

    assert all(len(p.data) < MAX_JOINED + 200 for p in publications)
    assert len(publications) == 4
    assert text_of(publications) == "x" * 1_000_000


def test_a_piece_that_is_too_long_is_not_joined() -> None:
    log = filled([output("a"), output("x" * MAX_JOINED), output("b"), output("c")])

    assert ranges(log.read(None).publications) == [(1, 1), (2, 2), (3, 4)]


def test_the_other_fields_of_joined_text_are_those_of_the_newest_piece() -> None:
    log = RoomLog("e")
    for data in (b'{"n":1,"chunk":"a","only":true}', b'{"chunk":"b","n":1.50,"big":1e400}'):
        log.append(Draft("o", data, "o", "chunk"), 0)

    (joined,) = log.read(None).publications

    assert joined.data == b'{"n":1.50,"big":1e400,"chunk":"ab"}'


def test_pieces_without_other_fields_are_joined() -> None:
    log = filled([Draft("o", b'{"t":"a"}', "o", "t"), Draft("o", b'{"t":"b"}', "o", "t")])

    assert log.read(None).publications[0].data == b'{"t":"ab"}'


@pytest.mark.parametrize("data", [b'{"t":null}', b'{"t":1}', b"[]", b"no JSON", b'{"t":"x', b""])
def test_a_piece_without_valid_text_is_not_joined(data: bytes) -> None:
    odd = Draft("o", data, "o", "t")
    good = Draft("o", b'{"t":"a"}', "o", "t")
    log = filled([odd, good, good, odd, odd, good])
    log.trim(0)

    publications = log.read(None).publications

    assert ranges(publications) == [(1, 1), (2, 3), (4, 4), (5, 5), (6, 6)]
    assert publications[0].data == publications[2].data == data


def test_an_absent_text_field_is_an_empty_text() -> None:
    log = filled([Draft("o", b'{"t":"a"}', "o", "t"), Draft("o", b'{"done":true}', "o", "t")])

    assert log.read(None).publications[0].data == b'{"done":true,"t":"a"}'


# Retention


def test_the_oldest_entries_are_dropped_beyond_the_bound() -> None:
    log = filled([note(str(n)) for n in range(20)], RetentionLimits(max_entries=5))

    assert log.entry_count == 5
    assert log.trimmed == 15
    assert ranges(log.read(None).publications)[0] == (1, 16)


def test_bytes_are_bounded() -> None:
    limits = RetentionLimits(max_bytes=10_000)
    log = filled([note("x" * 300) for _ in range(100)], limits)

    assert 9_000 < log.byte_count <= 10_000


def test_state_is_dropped_last() -> None:
    drafts = [state("a"), note("1"), state("b"), note("2"), note("3"), note("4")]
    log = filled(drafts, RetentionLimits(max_entries=4))

    assert [p.event for p in log.read(None).publications] == ["state", "state", "note", "note"]
    assert log.trimmed == 4


def test_a_log_of_state_drops_its_oldest_state() -> None:
    log = filled([state(str(n)) for n in range(10)], RetentionLimits(max_entries=4))

    assert ranges(log.read(None).publications) == [(1, 7), (8, 8), (9, 9), (10, 10)]
    assert log.trimmed == 6


def test_pinned_state_is_dropped_before_the_state_after_it() -> None:
    log = filled([state("a"), note(), state("b"), state("c")], RetentionLimits(max_entries=2))

    assert ranges(log.read(None).publications) == [(1, 3), (4, 4)]
    assert log.trimmed == 2


def test_superseded_state_does_not_count_in_a_log_of_state() -> None:
    log = filled([state(slot) for slot in "aabc"], RetentionLimits(max_entries=2))

    assert ranges(log.read(None).publications) == [(1, 3), (4, 4)]
    assert log.trimmed == 2


def test_pinned_state_is_superseded_like_any_other() -> None:
    log = filled([state("a", 1), *[note() for _ in range(9)]], RetentionLimits(max_entries=4))
    log.append(state("a", 2), 0)

    publications = log.read(None).publications

    assert [p.event for p in publications] == ["note", "note", "note", "state"]
    assert log.entry_count == 4


def test_the_newest_entry_is_kept_whatever_its_size() -> None:
    log = filled([state("a"), note("x" * 1_000)], RetentionLimits(max_bytes=100))

    assert ranges(log.read(None).publications) == [(1, 2)]


def test_old_entries_are_dropped_except_state_and_the_newest() -> None:
    log = filled([state("a"), note("1"), note("2"), note("3")], RetentionLimits(max_age=1.0))
    log.trim(1_002)
    assert ranges(log.read(None).publications) == [(1, 1), (2, 3), (4, 4)]

    log.trim(1_000_000)
    assert ranges(log.read(None).publications) == [(1, 1), (2, 4)]


def test_a_position_can_be_recovered_unless_a_later_entry_was_dropped() -> None:
    log = filled([state("a"), *[note() for _ in range(9)]], RetentionLimits(max_entries=4))

    assert log.trimmed == 7
    assert not log.read(Position("e", 6)).recovered
    assert log.read(Position("e", 7)).recovered
    assert not log.read(Position("e", 1)).recovered


def test_a_slice_never_ends_before_the_highest_dropped_offset() -> None:
    drafts = [*[state(str(n)) for n in range(50)], *[note() for _ in range(100)]]
    log = filled(drafts, RetentionLimits(max_entries=100))

    first = log.read(None, limit=10)
    second = log.read(Position("e", first.publications[-1].last), limit=10)

    assert log.trimmed == 100
    assert ranges(first.publications)[-2:] == [(50, 50), (51, 101)]
    assert second.recovered
    assert ranges(second.publications)[0] == (102, 102)


@pytest.mark.parametrize("padding", [0, 10_000])
def test_pinned_state_is_bounded(padding: int) -> None:
    count = MAX_STATE_ENTRIES + 10 if not padding else MAX_STATE_BYTES // padding + 10
    log = RoomLog("e", RetentionLimits(max_entries=count + 5))
    for number in range(count):
        log.append(state(str(number), padding="x" * padding), 0)
    for _ in range(10):
        log.append(note(), 0)

    publications = [p for p in log.read(None, limit=1).publications if p.event == "state"]

    assert len(publications) <= MAX_STATE_ENTRIES
    assert sum(len(p.data) + ENTRY_OVERHEAD for p in publications) <= MAX_STATE_BYTES
    assert publications[-1].last == count
    assert log.trimmed < count + 10


def test_a_log_does_not_grow_with_its_age() -> None:
    log = RoomLog("e", RetentionLimits(max_entries=50))
    for number in range(20_000):
        log.append(state(str(number % 7), number), number)
        log.append(note(str(number)), number)
    log.trim(20_000)

    assert log.entry_count == 50
    assert len(log.read(None).publications) == 50
    assert log.position.offset == 40_000


# Cost


def test_the_cost_of_an_append_does_not_depend_on_the_length_of_the_log() -> None:
    def cost(draft: Draft, count: int) -> float:
        log = RoomLog("e", RetentionLimits(max_entries=10**9, max_bytes=1 << 40))

        def fill() -> None:
            for number in range(count):
                log.append(draft, number)

        return count_operations(fill) / count

    for draft in (note("x"), state("p"), output("word ")):
        assert cost(draft, 16 * COMPACT_AFTER) < 1.1 * cost(draft, 4 * COMPACT_AFTER)
