"""Which attempt an event of a job's room belongs to, and what it does to that attempt."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from msgspec import UNSET, UnsetType

from longwire.catalog import JobCompleted, JobCreated, JobFailed, JobStatusChanged
from longwire.errors import ConfigurationError
from longwire.jobs.fold import ends_attempt
from longwire.log.condition import Condition, Fence
from longwire.server.jobs.registry import ROOM_PREFIX
from longwire.types import Position

# The events that may begin or end an attempt.
_FENCED = (JobCreated, JobStatusChanged, JobCompleted, JobFailed)

MAX_ATTEMPT: Final = 2**31 - 1


@lru_cache(maxsize=16)
def _within(attempt: int) -> Condition:
    return Condition(Fence(attempt))


def check_attempt(attempt: int | Literal["next"], room: str, *, is_job: bool) -> None:
    """Return if a publication to this room may name this attempt.

    Raises:
        ConfigurationError: it may not.
    """
    if not is_job:
        raise ConfigurationError(f"attempt is for the rooms of jobs, not for {room[:100]!r}")
    if attempt != "next" and not 1 <= attempt <= MAX_ATTEMPT:
        raise ConfigurationError(f"attempt must be 1 to {MAX_ATTEMPT}, got {attempt}")


def condition_of(
    event: object, room: str, attempt: int | None, expect: Position | UnsetType | None
) -> Condition | None:
    """Return the condition of an append to a job's room; None if it has none.

    Args:
        event: the event.
        room: the room of the job.
        attempt: the attempt of the worker that publishes; None if it is not a worker.
        expect: see `Condition`.
    """
    if attempt is None and expect is UNSET and not isinstance(event, _FENCED):
        return None  # nearly every publication of other programs
    if not isinstance(event, _FENCED) and attempt is not None and expect is UNSET:
        return _within(attempt)  # nearly every publication of workers
    fence = None if attempt is None else Fence(attempt)
    if isinstance(event, _FENCED) and room == ROOM_PREFIX + event.job_id:
        if isinstance(event, JobCreated):
            fence = Fence(event.attempt, "create" if attempt is None else "claim")
        elif ends_attempt(event):
            fence = Fence(attempt or 0, "end")
    return None if fence is None and expect is UNSET else Condition(fence, expect)
