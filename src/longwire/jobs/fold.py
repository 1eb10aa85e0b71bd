"""The state of a job: a pure fold of its room's log.

    state = JobState.initial("42")
    for event in log:
        state = fold(state, event)

The rules, which `tests/vectors/jobs.json` shows by example:

- `job:created` begins an attempt: it resets everything except a title and owner that it omits.
- A terminal state (completed, failed, cancelled) is final until the next attempt. Only the event
  that confirms it (`job:completed` after the status `completed`) still adds its details.
- `job:failed` with the code `worker_lost` is the server's guess, not the worker's word. The next
  event that the worker publishes in the same attempt revives the job, and counts.
- Progress is clamped to 0 to 100 and never decreases within an attempt; NaN is ignored.
- The error, the result and the estimate are dropped with the state that they describe.
- Output does not depend on how its text was cut into events: a log that joined or split the
  chunks folds to the same state.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from longwire.catalog import (
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatus,
    JobStatusChanged,
    OutputType,
)
from longwire.schema import Event, declaration_of

# The most characters in a chunk of the folded output: appending to the last chunk copies it.
CHUNK_LENGTH: Final = 4096

# The most chunks in a state; the oldest are dropped first.
MAX_OUTPUT_CHUNKS: Final = 1000

TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})

# The error code of a job whose worker stopped responding, as far as a server can know.
WORKER_LOST: Final = "worker_lost"


class OutputChunk(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A piece of streamed text of one type, at most `CHUNK_LENGTH` characters.

    Attributes:
        text: the text.
        type: the kind of text; absent for plain output.
    """

    text: str
    type: OutputType | None = None


class JobState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The state of a job. Members are None while no event has set them.

    Attributes:
        job_id: the job's id.
        status: the job's status.
        title: the job's name for people.
        owner: the id of the user whose job it is; None if it has no owner.
        attempt: the number of the current run, from 1.
        progress: percent, 0 to 100.
        current_step: the current activity, or the last message of a status.
        output: the newest `MAX_OUTPUT_CHUNKS` chunks of the streamed text.
        output_truncated: whether older chunks were dropped.
        output_complete: whether the newest output was marked as the end of its text.
        result: the result of a completed job.
        error: why the job failed, for people.
        error_code: why the job failed, for programs.
        retryable: whether the same work may succeed another time.
        cost: what the job cost, in the application's unit.
        duration: how many seconds the job ran.
        estimated_completion: seconds until the job is expected to end.
        lease: seconds without any event after which the worker counts as lost.
        cancel_requested: whether the job was asked to stop.
        created_at: when the attempt began, in milliseconds since the Unix epoch.
        updated_at: the time of the newest event, in milliseconds since the Unix epoch.
        is_complete: whether the status is terminal.
        is_running: whether the status is running.
    """

    job_id: str
    status: JobStatus = "queued"
    title: str | None = None
    owner: str | None = None
    attempt: int = 1
    progress: float | None = None
    current_step: str | None = None
    output: tuple[OutputChunk, ...] = ()
    output_truncated: bool = False
    output_complete: bool = False
    result: JobResult | None = None
    error: str | None = None
    error_code: str | None = None
    retryable: bool | None = None
    cost: float | None = None
    duration: float | None = None
    estimated_completion: float | None = None
    lease: float | None = None
    cancel_requested: bool = False
    created_at: int | None = None
    updated_at: int | None = None
    is_complete: bool = False
    is_running: bool = False

    @classmethod
    def initial(cls, job_id: str) -> JobState:
        """Return the state of a job before its first event."""
        return cls(job_id=job_id)

    @property
    def text(self) -> str:
        """The retained output of all types as one text."""
        return "".join(chunk.text for chunk in self.output)

    @property
    def lease_expires_at(self) -> float | None:
        """When the worker counts as lost unless an event comes, in ms since the Unix epoch.

        None if the job has ended or has no lease.
        """
        if self.is_complete or self.lease is None or self.updated_at is None:
            return None
        return self.updated_at + self.lease * 1000


def fold(state: JobState, event: Event) -> JobState:
    """Return the state after one more event of the job's log.

    An event of another job, or one that a terminal state ignores, returns `state` itself.
    """
    if getattr(event, "job_id", None) != state.job_id:
        return state
    rule = _RULES.get(type(event))
    if rule is None:
        return state
    folded = rule(revive(state) if _is_word_of_worker(event) else state, event)
    return folded if folded is state else _touch(folded, event)


def is_lost(state: JobState) -> bool:
    """Return whether the state ended by the guess that its worker is lost."""
    return state.status == "failed" and state.error_code == WORKER_LOST


def revive(state: JobState) -> JobState:
    """Return the state without the guess that its worker is lost."""
    if not is_lost(state):
        return state
    return replace(
        state,
        status="running",
        is_running=True,
        is_complete=False,
        error=None,
        error_code=None,
        retryable=None,
    )


def ends_attempt(event: object) -> bool:
    """Return whether an event is the end of an attempt, not only a guess about it."""
    if isinstance(event, JobStatusChanged):
        return event.status in TERMINAL
    return isinstance(event, JobCompleted) or (
        isinstance(event, JobFailed) and event.error_code != WORKER_LOST
    )


def is_guess(event: object) -> bool:
    """Return whether an event states that the worker is lost."""
    return isinstance(event, JobFailed) and event.error_code == WORKER_LOST


def _is_word_of_worker(event: Event) -> bool:
    return not isinstance(event, JobCancel | JobCreated) and not is_guess(event)


def _touch(state: JobState, event: Event) -> JobState:
    if event.timestamp in (0, state.updated_at):
        return state
    return replace(state, updated_at=event.timestamp)


def _created(state: JobState, event: JobCreated) -> JobState:
    return JobState(
        job_id=state.job_id,
        title=state.title if event.title is None else event.title,
        owner=state.owner if event.owner is None else event.owner,
        attempt=event.attempt,
        created_at=event.timestamp or None,
    )


def _status(state: JobState, event: JobStatusChanged) -> JobState:
    if state.is_complete:
        return state
    step = event.message or state.current_step
    if event.status == "failed":
        return _end(state, event.status, current_step=step, error=event.message)
    if event.status in TERMINAL:
        return _end(state, event.status, current_step=step)
    running = event.status == "running"
    return replace(state, status=event.status, current_step=step, is_running=running)


def _progress(state: JobState, event: JobProgress) -> JobState:
    if state.is_complete or not math.isfinite(event.progress):
        return state
    progress = min(max(event.progress, state.progress or 0.0, 0.0), 100.0)
    return replace(
        state,
        progress=progress,
        current_step=event.current_step or state.current_step,
        estimated_completion=event.estimated_completion,
    )


def _output(state: JobState, event: JobOutput) -> JobState:
    if state.is_complete:
        return state
    output = _append(state.output, event.chunk, event.type)
    truncated = state.output_truncated or len(output) > MAX_OUTPUT_CHUNKS
    return replace(
        state,
        output=output[-MAX_OUTPUT_CHUNKS:],
        output_truncated=truncated,
        output_complete=event.is_complete,
    )


def _append(
    output: tuple[OutputChunk, ...], text: str, type: OutputType | None
) -> tuple[OutputChunk, ...]:
    if not text:
        return output
    if output and output[-1].type == type and len(output[-1].text) < CHUNK_LENGTH:
        text, output = output[-1].text + text, output[:-1]
    cuts = range(0, len(text), CHUNK_LENGTH)
    return (*output, *(OutputChunk(text[cut : cut + CHUNK_LENGTH], type) for cut in cuts))


def _completed(state: JobState, event: JobCompleted) -> JobState:
    has_details = state.result is not None or state.status != "completed"
    if state.is_complete and has_details:
        return state
    return _end(
        state,
        "completed",
        result=event.result,
        cost=event.cost,
        duration=event.duration,
    )


def _failed(state: JobState, event: JobFailed) -> JobState:
    has_details = state.retryable is not None or state.status != "failed"
    if state.is_complete and (has_details or is_guess(event)):
        return state
    return _end(
        state,
        "failed",
        error=event.error,
        error_code=event.error_code,
        retryable=event.retryable,
    )


def _end(state: JobState, status: JobStatus, **details: Any) -> JobState:
    progress = 100.0 if status == "completed" else state.progress
    return replace(
        state,
        status=status,
        progress=progress,
        estimated_completion=None,
        is_complete=True,
        is_running=False,
        **details,
    )


def _lease(state: JobState, event: JobLease) -> JobState:
    if state.is_complete:
        return state
    return replace(state, lease=event.expires_in)


def _cancel(state: JobState, event: JobCancel) -> JobState:
    if state.is_complete:
        return state
    return replace(state, cancel_requested=True)


_RULES: Final[dict[type[Event], Callable[[JobState, Any], JobState]]] = {
    JobCreated: _created,
    JobStatusChanged: _status,
    JobProgress: _progress,
    JobOutput: _output,
    JobCompleted: _completed,
    JobFailed: _failed,
    JobLease: _lease,
    JobCancel: _cancel,
}

FOLDED_EVENTS: Final = frozenset(declaration_of(event).name for event in _RULES)
"""The names of the events that change the state of a job."""
