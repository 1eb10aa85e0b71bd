"""The coverage rule: a reader that resumes anywhere has the same state as the full log."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.log.conflation import conflate
from longwire.log.merge import Cursor, Verdict
from longwire.log.publication import Draft, Publication
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import RoomLog

PLAIN = st.integers(0, 9).map(lambda n: Draft("note", b'{"n":%d}' % n))
LATEST = st.tuples(st.sampled_from("pqr"), st.integers(0, 9)).map(
    lambda drawn: Draft("state", b'{"v":%d}' % drawn[1], f"state:{drawn[0]}")
)
TEXTS = st.text(alphabet='ab"\\\n\u00e9\U0001f600', max_size=3)
CONCAT = st.tuples(st.sampled_from("xy"), TEXTS).map(
    lambda drawn: Draft(
        "output", msgspec.json.encode({"t": drawn[1], "k": drawn[0]}), f"output:{drawn[0]}", "t"
    )
)
DRAFTS = st.one_of(PLAIN, LATEST, CONCAT, CONCAT)


def normal_form(entries: list[Publication]) -> list[tuple[object, ...]]:
    """Return what a reader knows: no superseded state, adjacent text joined, in order."""
    newest = {entry.slot: index for index, entry in enumerate(entries)}
    known: list[tuple[object, ...]] = []
    for index, entry in enumerate(entries):
        if entry.slot is not None and entry.concat is None:
            if newest[entry.slot] == index:
                known.append(("state", entry.slot, entry.data))
        elif entry.concat is None:
            known.append(("note", entry.data))
        else:
            text = msgspec.json.decode(entry.data)["t"]
            if known and known[-1][:2] == ("text", entry.slot):
                known[-1] = ("text", entry.slot, f"{known[-1][2]}{text}")
            else:
                known.append(("text", entry.slot, text))
    return known


class Reader:
    """Applies publications, and keeps its position."""

    def __init__(self) -> None:
        self.cursor = Cursor("none")
        self.applied: list[Publication] = []
        self.expected: list[Publication] = []  # retained when it last started over, and later

    def read(self, log: RoomLog, *, limit: int, applied: int) -> bool:
        """Read one slice and apply only its first publications, as if the connection were lost."""
        history = log.read(self.cursor.position, limit=limit)
        if not history.recovered:
            self.cursor = Cursor(log.epoch)
            self.applied = []
            self.expected = list(log.read(None, limit=10**9, max_bytes=10**9).publications)
        for publication in history.publications[:applied]:
            assert publication.first == self.cursor.offset + 1
            assert self.cursor.take(publication.first, publication.last) is Verdict.APPLY
            self.applied.append(publication)
        if history.complete and applied >= len(history.publications):
            assert self.cursor.position == history.position
            return True
        return False


STEPS = st.lists(
    st.one_of(
        DRAFTS,
        st.tuples(st.integers(1, 4), st.integers(0, 4)),  # a slice of n, of which m are applied
        st.just("trim"),
    ),
    max_size=60,
)


def drive(
    steps: list[object], limits: RetentionLimits
) -> tuple[RoomLog, Reader, list[Publication]]:
    log = RoomLog("epoch", limits)
    reader = Reader()
    full: list[Publication] = []
    for now_ms, step in enumerate(steps):
        if isinstance(step, Draft):
            publication = log.append(step, now_ms)
            full.append(publication)
            reader.expected.append(publication)
        elif step == "trim":
            log.trim(now_ms)
        else:
            assert isinstance(step, tuple)
            reader.read(log, limit=step[0], applied=step[1])
    for _ in range(len(full) + 2):
        if reader.read(log, limit=3, applied=10**9):
            return log, reader, full
    raise AssertionError("reading in slices does not end")


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_a_reader_that_resumes_anywhere_has_the_state_of_the_full_log(steps: list[object]) -> None:
    _, reader, full = drive(steps, RetentionLimits())

    assert normal_form(reader.applied) == normal_form(full)


@given(STEPS, st.integers(1, 6), st.integers(5, 40))
@settings(max_examples=200, deadline=None)
def test_with_retention_a_reader_has_all_since_it_last_started_over(
    steps: list[object], entries: int, age: int
) -> None:
    limits = RetentionLimits(max_entries=entries, max_age=age / 1000)
    log, reader, full = drive(steps, limits)

    assert normal_form(reader.applied) == normal_form(reader.expected)
    assert log.position.offset == len(full)
    assert log.entry_count <= max(entries, 1)


@given(st.lists(DRAFTS, max_size=40), st.data())
@settings(max_examples=200, deadline=None)
def test_one_read_equals_slices(drafts: list[Draft], data: st.DataObject) -> None:
    log = RoomLog("epoch")
    for draft in drafts:
        log.append(draft, 0)
    whole = log.read(None).publications
    reader = Reader()
    while not reader.read(log, limit=data.draw(st.integers(1, 3)), applied=10**9):
        pass

    assert tuple(reader.applied) == whole


@given(st.lists(DRAFTS, min_size=1, max_size=40), st.data())
@settings(max_examples=200, deadline=None)
def test_conflation_covers_its_range_and_keeps_the_state(
    drafts: list[Draft], data: st.DataObject
) -> None:
    log = RoomLog("epoch")
    full = [log.append(draft, 0) for draft in drafts]
    start = data.draw(st.integers(0, len(full) - 1))
    merged = conflate(full[start:])

    assert merged[0].first == start + 1
    assert merged[-1].last == len(full)
    for older, newer in itertools.pairwise(merged):
        assert newer.first == older.last + 1
    cut = data.draw(st.integers(0, len(merged)))
    resumed = merged[cut - 1].last if cut else start
    assert normal_form(full[:start] + merged[:cut] + full[resumed:]) == normal_form(full)
    assert normal_form(merged[:cut] + conflate(full[resumed:])) == normal_form(full[start:])


@given(st.lists(DRAFTS, max_size=40), st.lists(st.integers(0, 40)), st.data())
@settings(max_examples=200, deadline=None)
def test_a_restored_log_equals_the_original(
    drafts: list[Draft], trims: list[int], data: st.DataObject
) -> None:
    """A copy on disk follows the journal, and may be any number of erasures behind."""
    log = RoomLog("epoch", RetentionLimits(max_entries=12), journal=[])
    rows: dict[int, Publication] = {}
    for number, draft in enumerate(drafts):
        publication = log.append(draft, number)
        rows[publication.last] = publication
        if number in trims:
            log.trim(number)
    assert log.journal is not None
    followed = data.draw(st.integers(0, len(log.journal)))
    for erasure in log.journal[:followed]:
        for offset in [o for o in rows if erasure.first <= o <= erasure.last]:
            del rows[offset]
        if erasure.replacement is not None:
            rows[erasure.last] = erasure.replacement
    entries = [rows[offset] for offset in sorted(rows)]
    restored = RoomLog.restore("epoch", entries, limits=RetentionLimits(), trimmed=0)
    since = log.read(None, limit=data.draw(st.integers(1, 9))).publications

    if drafts:
        assert restored.position == log.position
        reached = restored.read(msgspec.structs.replace(log.position, offset=since[-1].last))
        expected = log.read(msgspec.structs.replace(log.position, offset=since[-1].last))
        assert normal_form(list(reached.publications)) == normal_form(list(expected.publications))


@given(st.lists(st.tuples(DRAFTS, st.integers(1, 400)), max_size=12), st.data())
@settings(max_examples=30, deadline=None)
def test_compaction_keeps_the_state(runs: list[tuple[Draft, int]], data: st.DataObject) -> None:
    """Long runs of entries trigger partial and full compaction."""
    log = RoomLog("epoch")
    reader = Reader()
    full: list[Publication] = []
    for draft, count in runs:
        interleaved = data.draw(DRAFTS)
        full += [log.append(draft if n % 5 else interleaved, 0) for n in range(count)]
        reader.read(log, limit=data.draw(st.integers(1, 5)), applied=data.draw(st.integers(0, 5)))
    while not reader.read(log, limit=50, applied=10**9):
        pass
    whole = log.read(None, limit=10**9, max_bytes=10**9)

    assert normal_form(reader.applied) == normal_form(full)
    assert normal_form(list(whole.publications)) == normal_form(full)
