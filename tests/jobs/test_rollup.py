"""Output rolls up and progress conflates, in the order of the calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longwire.catalog import JobLease, JobOutput, JobProgress, JobStatusChanged
from longwire.jobs.rollup import MAX_CHUNK, ROLLUP_DELAY, ROLLUP_SIZE, Outgoing
from longwire.schema import Event

INTERVAL = 0.5


def progress(value: float) -> JobProgress:
    return JobProgress(job_id="42", progress=value, current_step="")


STATUS = JobStatusChanged(job_id="42", status="running")
LEASE = JobLease(job_id="42", expires_in=15)


def drain(outgoing: Outgoing, now: float) -> list[Event]:
    taken: list[Event] = []
    while (event := outgoing.take(now)) is not None:
        taken.append(event)
    return taken


def shown(events: list[Event]) -> list[object]:
    return [event.chunk if isinstance(event, JobOutput) else event for event in events]


def test_text_waits_for_more_text() -> None:
    outgoing = Outgoing("42")
    outgoing.put_output("He", None, False, now=10.0)
    assert outgoing.take(10.0) is None
    assert outgoing.next_deadline() == 10.0 + ROLLUP_DELAY
    outgoing.put_output("llo", None, True, now=10.03)
    assert outgoing.pending == 5
    (event,) = drain(outgoing, 10.0 + ROLLUP_DELAY)
    assert event == JobOutput(job_id="42", chunk="Hello", is_complete=True)
    assert not outgoing
    assert outgoing.next_deadline() is None
    assert outgoing.pending == 0


def test_enough_text_is_due_at_once() -> None:
    outgoing = Outgoing("42")
    outgoing.put_output("é" * (ROLLUP_SIZE // 2), None, False, now=0.0)
    assert len(drain(outgoing, 0.0)) == 1


def test_text_of_different_types_is_not_joined() -> None:
    outgoing = Outgoing("42")
    outgoing.put_output("hm", "thinking", False, now=0.0)
    outgoing.put_output("Answer", "writing", False, now=0.0)
    (first,) = drain(outgoing, 0.0)
    assert isinstance(first, JobOutput)
    assert (first.chunk, first.type) == ("hm", "thinking")


def test_another_event_makes_the_text_before_it_due() -> None:
    outgoing = Outgoing("42")
    outgoing.put_output("before", None, False, now=0.0)
    outgoing.put(STATUS, 0.0)
    outgoing.put_output("after", None, False, now=0.0)
    assert shown(drain(outgoing, 0.0)) == ["before", STATUS]
    assert shown(drain(outgoing, 1.0)) == ["after"]


def test_the_newest_waiting_progress_keeps_its_own_place() -> None:
    outgoing = Outgoing("42")
    outgoing.put(progress(1), 0.0)
    outgoing.put_output("a", None, False, now=0.0)
    outgoing.put(progress(2), 0.0)
    outgoing.put(LEASE, 0.0)
    outgoing.put(LEASE, 0.0)
    assert shown(drain(outgoing, 0.0)) == ["a", progress(2), LEASE]
    outgoing.put(progress(3), 0.0)
    assert drain(outgoing, 0.0) == [progress(3)]


def test_progress_interval_holds_progress_back() -> None:
    outgoing = Outgoing("42", INTERVAL)
    for value in (1, 2, 3):
        outgoing.put(progress(value), 0.0)
    assert drain(outgoing, 0.0) == [progress(1)]
    assert outgoing
    assert outgoing.next_deadline() == INTERVAL
    outgoing.put_output("meanwhile", None, False, now=0.0)
    assert outgoing.next_deadline() == ROLLUP_DELAY
    assert shown(drain(outgoing, ROLLUP_DELAY)) == ["meanwhile"]
    assert drain(outgoing, INTERVAL) == [progress(3)]
    outgoing.put(progress(4), INTERVAL)
    outgoing.put(STATUS, INTERVAL)
    assert drain(outgoing, INTERVAL) == [progress(4), STATUS]


def test_long_text_is_split_into_chunks() -> None:
    outgoing = Outgoing("42")
    text = "".join(chr(0x4E00 + n % 1000) for n in range(MAX_CHUNK * 2 + 10))
    outgoing.put_output(text, None, True, now=0.0)
    pieces = [event.chunk for event in drain(outgoing, 9.0) if isinstance(event, JobOutput)]
    assert [len(piece) for piece in pieces] == [MAX_CHUNK, MAX_CHUNK, 10]
    assert "".join(pieces) == text


@given(
    st.lists(
        st.one_of(
            st.tuples(st.text(max_size=5), st.sampled_from([None, "thinking", "writing"])),
            st.sampled_from(["progress", "status", "take"]),
        )
    ),
    st.sampled_from([0.0, INTERVAL]),
)
def test_no_text_is_lost_or_reordered(
    calls: list[tuple[str, str | None] | str], interval: float
) -> None:
    outgoing, taken = Outgoing("42", interval), list[Event]()
    put: list[tuple[str, str | None] | str] = []
    for step, call in enumerate(calls):
        now = step * 0.01
        if isinstance(call, tuple):
            outgoing.put_output(call[0], call[1], False, now)  # type: ignore[arg-type]
            put += [(character, call[1]) for character in call[0]]
        elif call == "status":
            outgoing.put(STATUS, now)
            put.append("status")
        elif call == "progress":
            outgoing.put(progress(step % 100), now)
        else:
            taken += drain(outgoing, now)
    outgoing.seal()
    taken += drain(outgoing, 100.0)
    assert not outgoing
    received: list[tuple[str, str | None] | str] = []
    for event in taken:
        if isinstance(event, JobOutput):
            received += [(character, event.type) for character in event.chunk]
        elif isinstance(event, JobStatusChanged):
            received.append("status")
    assert received == put
    published = [event for event in taken if isinstance(event, JobProgress)]
    last = max((step for step, call in enumerate(calls) if call == "progress"), default=None)
    assert (published[-1].progress if published else None) == (None if last is None else last % 100)
