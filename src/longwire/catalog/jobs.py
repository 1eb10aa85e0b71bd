"""Long-running jobs: their life cycle, progress and streamed output.

All events of a job are in its room `job:{jobId}`; folding that room gives the job's state.
`job:completed` and `job:failed` do not conflate: each ends one attempt and stays in the log until
retention drops it, so that readers see the end of every attempt.
"""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.catalog.units import Cost, Percent, Seconds
from longwire.record import Record
from longwire.schema import Event
from longwire.types import Concat, Latest
from longwire.wire import PublishAck

JobStatus = Annotated[
    Literal["queued", "running", "completed", "failed", "cancelled"],
    Meta(
        title="JobStatus",
        description="The status of a job; completed, failed and cancelled are final.",
    ),
]

OutputType = Annotated[
    Literal["thinking", "writing", "tool_call"],
    Meta(title="OutputType", description="The kind of text that a job streams."),
]

Attempt = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class JobArtifact(Record):
    """A file or page that a job has produced.

    Attributes:
        type: its kind; the application chooses the values.
        url: its URL.
        name: its display name.
    """

    type: str
    url: str
    name: str


class JobResult(Record):
    """The result of a completed job.

    Attributes:
        content: a text that the job has produced.
        metrics: figures; the application chooses the names.
        artifacts: files and pages that the job has produced.
    """

    content: str | None = None
    metrics: dict[str, object] | None = None
    artifacts: list[JobArtifact] | None = None


class JobCreated(Event, name="job:created", room="job:{job_id}", conflate=Latest()):
    """A job was created, or a new attempt of it started.

    Attributes:
        job_id: the job's id.
        title: the job's title.
        owner: the user who owns the job; without one, the job is shared.
        attempt: the number of the attempt, from 1.
    """

    job_id: str
    title: str | None = None
    owner: str | None = None
    attempt: Attempt = 1


class JobProgress(Event, name="job:progress", room="job:{job_id}", conflate=Latest()):
    """The progress of a running job has changed.

    Attributes:
        job_id: the job's id.
        progress: the progress in percent, 0 to 100.
        current_step: a description of the current step.
        estimated_completion: the estimated seconds until the job completes.
    """

    job_id: str
    progress: Percent
    current_step: str
    estimated_completion: Seconds | None = None


class JobOutput(
    Event, name="job:output", room="job:{job_id}", conflate=Concat("chunk", key="type")
):
    """A chunk of the text that a job streams. Chunks of one type are concatenated.

    Attributes:
        job_id: the job's id.
        chunk: the text to append.
        is_complete: whether this is the last chunk of its type.
        type: the kind of text; plain output if absent.
    """

    job_id: str
    chunk: str
    is_complete: bool = False
    type: OutputType | None = None


class JobStatusChanged(Event, name="job:status", room="job:{job_id}", conflate=Latest()):
    """The status of a job has changed.

    Attributes:
        job_id: the job's id.
        status: the new status.
        message: an explanation to show.
    """

    job_id: str
    status: JobStatus
    message: str | None = None


class JobCompleted(Event, name="job:completed", room="job:{job_id}"):
    """A job has completed successfully.

    Attributes:
        job_id: the job's id.
        result: the job's result.
        cost: the job's cost, in the currency of the budget.
        duration: the seconds since its start.
    """

    job_id: str
    result: JobResult
    cost: Cost
    duration: Seconds


class JobFailed(Event, name="job:failed", room="job:{job_id}"):
    """A job has failed.

    Attributes:
        job_id: the job's id.
        error: the error message to show.
        error_code: a stable code, such as `worker_lost`.
        retryable: whether another attempt may succeed without a change.
    """

    job_id: str
    error: str
    error_code: str | None = None
    retryable: bool


class JobLease(Event, name="job:lease", room="job:{job_id}", conflate=Latest()):
    """A heartbeat of a job's worker. The server declares the job lost when the lease expires.

    Attributes:
        job_id: the job's id.
        expires_in: the seconds from the timestamp until the lease expires.
    """

    job_id: str
    expires_in: Seconds


class JobCancel(Event, name="job:cancel", room="job:{job_id}", origin="both", ack=PublishAck):
    """A request to cancel a job. The job's status shows the outcome.

    Attributes:
        job_id: the job's id.
        reason: the reason to show.
    """

    job_id: str
    reason: str | None = None


JOB_EVENTS = (
    JobCreated,
    JobProgress,
    JobOutput,
    JobStatusChanged,
    JobCompleted,
    JobFailed,
    JobLease,
    JobCancel,
)
"""All events of a job's room."""
