"""The rules that fold a job's log into its state; see also `test_fold_vectors.py`."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.catalog import (
    AgentStatusChanged,
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatusChanged,
)
from longwire.jobs import JobState, fold
from longwire.jobs.fold import CHUNK_LENGTH, MAX_OUTPUT_CHUNKS
from longwire.schema import Event

ID = "42"
CREATED = JobCreated(job_id=ID, title="Report", owner="ada", timestamp=1)
RUNNING = JobStatusChanged(job_id=ID, status="running", timestamp=2)
FAILED = JobFailed(job_id=ID, error="boom", error_code="x", retryable=True, timestamp=9)
COMPLETED = JobCompleted(
    job_id=ID, result=JobResult(content="text"), cost=2.5, duration=3, timestamp=9
)


def progress(value: float, step: str = "", eta: float | None = None) -> JobProgress:
    return JobProgress(job_id=ID, progress=value, current_step=step, estimated_completion=eta)


def output(chunk: str, type: str | None = None, is_complete: bool = False) -> JobOutput:
    return JobOutput(job_id=ID, chunk=chunk, type=type, is_complete=is_complete)  # type: ignore[arg-type]


def state_of(*events: Event) -> JobState:
    state = JobState.initial(ID)
    for event in events:
        state = fold(state, event)
    return state


def test_members_are_none_before_the_first_event() -> None:
    state = JobState.initial(ID)
    assert state.status == "queued"
    assert (state.progress, state.current_step, state.cost, state.duration) == (None,) * 4
    assert not state.is_running
    assert not state.is_complete


def test_a_completed_job() -> None:
    state = state_of(CREATED, RUNNING, progress(40, "Reading", eta=5), output("hi"), COMPLETED)
    assert (state.title, state.owner, state.created_at, state.updated_at) == ("Report", "ada", 1, 9)
    assert (state.status, state.progress, state.is_complete) == ("completed", 100, True)
    assert (state.cost, state.duration, state.text) == (2.5, 3, "hi")
    assert state.result == JobResult(content="text")
    assert state.current_step == "Reading"
    assert state.estimated_completion is None


def test_a_failed_job_keeps_its_progress() -> None:
    state = state_of(CREATED, RUNNING, progress(40, eta=5), FAILED)
    assert (state.status, state.progress, state.is_complete) == ("failed", 40, True)
    assert (state.error, state.error_code, state.retryable) == ("boom", "x", True)
    assert state.estimated_completion is None


@pytest.mark.parametrize(
    "end", [COMPLETED, FAILED, JobStatusChanged(job_id=ID, status="cancelled", timestamp=9)]
)
@pytest.mark.parametrize(
    "late",
    [
        RUNNING,
        progress(99, "late", eta=1),
        output("late"),
        COMPLETED,
        FAILED,
        JobStatusChanged(job_id=ID, status="cancelled", message="late"),
        JobLease(job_id=ID, expires_in=3),
        JobCancel(job_id=ID),
    ],
)
def test_the_end_is_final(end: Event, late: Event) -> None:
    ended = state_of(CREATED, RUNNING, progress(30), output("text"), end)
    assert ended.is_complete
    assert not ended.is_running
    assert fold(ended, late) is ended


def test_a_terminal_status_accepts_later_details() -> None:
    done = state_of(JobStatusChanged(job_id=ID, status="completed"), COMPLETED)
    assert (done.result, done.cost) == (JobResult(content="text"), 2.5)
    failed = state_of(JobStatusChanged(job_id=ID, status="failed", message="oh"), FAILED)
    assert (failed.error, failed.error_code) == ("boom", "x")


def test_the_message_of_a_failed_status_is_the_error() -> None:
    state = state_of(JobStatusChanged(job_id=ID, status="failed", message="oh"))
    assert (state.error, state.is_complete) == ("oh", True)


def test_a_new_attempt_resets_the_state() -> None:
    again = JobCreated(job_id=ID, attempt=2, timestamp=20)
    state = state_of(CREATED, RUNNING, progress(80, "x", 3), output("old"), FAILED, again)
    assert state == JobState(
        job_id=ID, title="Report", owner="ada", attempt=2, created_at=20, updated_at=20
    )
    assert state_of(CREATED, JobCreated(job_id=ID, title="New", owner="bob")).owner == "bob"


def test_progress_never_decreases() -> None:
    state = state_of(RUNNING, progress(80, "a"), progress(30, "b", eta=7))
    assert (state.progress, state.current_step, state.estimated_completion) == (80, "b", 7)


@pytest.mark.parametrize(("value", "shown"), [(-5, 0), (250, 100), (0, 0)])
def test_progress_is_clamped(value: float, shown: float) -> None:
    assert state_of(progress(value)).progress == shown


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_progress_that_is_not_finite_is_ignored(value: float) -> None:
    assert state_of(progress(20), progress(value)).progress == 20


def test_the_message_of_a_status_is_the_current_step() -> None:
    state = state_of(RUNNING, progress(5, "Reading"), RUNNING)
    assert state.current_step == "Reading"
    waits = JobStatusChanged(job_id=ID, status="queued", message="Waiting for a worker")
    state = fold(state, waits)
    assert (state.is_running, state.current_step) == (False, "Waiting for a worker")


def test_output_of_different_types_is_not_joined() -> None:
    state = state_of(output("hm", "thinking"), output("Ans", "writing"), output("wer", "writing"))
    assert [(chunk.type, chunk.text) for chunk in state.output] == [
        ("thinking", "hm"),
        ("writing", "Answer"),
    ]
    assert not state.output_complete
    assert state_of(output("x"), output("", is_complete=True)).output_complete


def test_equal_chunks_are_not_duplicates() -> None:
    assert state_of(output("la "), output("la "), output("la ")).text == "la la la "


def test_truncated_output_is_marked() -> None:
    size = CHUNK_LENGTH * MAX_OUTPUT_CHUNKS
    full = state_of(output("a" * size))
    assert not full.output_truncated
    more = fold(full, output("b"))
    assert more.output_truncated
    assert len(more.output) == MAX_OUTPUT_CHUNKS
    assert more.text.endswith("ab")


@given(st.lists(st.tuples(st.text(max_size=12), st.sampled_from(["writing", None]))), st.data())
def test_output_does_not_depend_on_how_it_was_cut(
    pieces: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    pieces = [(text * data.draw(st.sampled_from([1, 400])), kind) for text, kind in pieces]
    whole = state_of(*(output(text, kind) for text, kind in pieces))
    cut: list[Event] = []
    for text, kind in pieces:
        at = data.draw(st.integers(0, len(text)))
        cut += [output(text[:at], kind), output(text[at:], kind)]
    assert state_of(*cut).output == whole.output


def test_appending_output_copies_only_the_last_chunk() -> None:
    """So a stream of any length folds in linear time."""
    state = state_of(output("x" * (CHUNK_LENGTH * 3 + 1)))
    grown = fold(state, output("y" * 10))
    assert all(old is kept for old, kept in zip(state.output[:-1], grown.output[:-1], strict=True))
    assert len(grown.output[-1].text) == 11


def test_a_cancel_request_is_shown_until_the_next_attempt() -> None:
    asked = state_of(RUNNING, JobCancel(job_id=ID, timestamp=5))
    assert (asked.cancel_requested, asked.is_running) == (True, True)
    assert not fold(asked, JobCreated(job_id=ID, attempt=2)).cancel_requested


def test_a_lease_expires_after_the_newest_event() -> None:
    leased = state_of(RUNNING, JobLease(job_id=ID, expires_in=15, timestamp=1000))
    assert leased.lease_expires_at == 16_000
    busy = fold(leased, JobProgress(job_id=ID, progress=1, current_step="", timestamp=4000))
    assert busy.lease_expires_at == 19_000
    assert state_of(RUNNING).lease_expires_at is None
    assert fold(busy, FAILED).lease_expires_at is None


def test_events_of_other_jobs_are_ignored() -> None:
    state = state_of(CREATED, RUNNING)
    assert fold(state, JobFailed(job_id="43", error="x", retryable=False)) is state
    busy = AgentStatusChanged(agent_type="cmo", status="busy")
    assert fold(state, busy) is state


def test_the_state_is_encoded_in_camel_case() -> None:
    data = msgspec.json.encode(state_of(CREATED, RUNNING, output("hi", "writing")))
    body = msgspec.json.decode(data)
    assert body["jobId"] == ID
    assert body["isRunning"] is True
    assert body["output"] == [{"text": "hi", "type": "writing"}]
    assert body["progress"] is None
    assert msgspec.json.decode(data, type=JobState).owner == "ada"
