"""Which attempt an event of a job's room belongs to, and what it does to that attempt."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import UNSET, UnsetType

from longwire.catalog import JobCreated
from longwire.errors import ConfigurationError
from longwire.jobs.fold import ends_attempt
from longwire.log import Condition, Fence
from longwire.types import Position

MAX_ATTEMPT: Final = 2**31 - 1


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
    event: object, job_id: str, attempt: int | None, expect: Position | UnsetType | None
) -> Condition | None:
    """Return the condition of an append to a job's room; None if it has none.

    Args:
        event: the event.
        job_id: the job whose room it is.
        attempt: the attempt of the worker that publishes; None if it is not a worker.
        expect: see `Condition`.
    """
    fence = _fence_of(event, job_id, attempt)
    return None if fence is None and expect is UNSET else Condition(fence, expect)


def _fence_of(event: object, job_id: str, attempt: int | None) -> Fence | None:
    if getattr(event, "job_id", None) == job_id:
        if isinstance(event, JobCreated):
            return Fence(event.attempt, "create" if attempt is None else "claim")
        if ends_attempt(event):
            return Fence(attempt or 0, "end")
    return None if attempt is None else Fence(attempt)
