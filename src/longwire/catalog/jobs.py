"""Long-running jobs: their life, their progress and their streamed output.

Everything about one job is in its room `job:{jobId}`; folding that room gives the job's state.
`job:completed` and `job:failed` are not conflated: each ends one attempt and stays in the log
until retention drops it, so that a reader sees every attempt end.
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
        description="Where a job stands; completed, failed and cancelled are final.",
    ),
]

OutputType = Annotated[
    Literal["thinking", "writing", "tool_call"],
    Meta(title="OutputType", description="What kind of text a job streams."),
]

Attempt = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class JobArtifact(Record):
    """Something that a job made, kept elsewhere.

    Attributes:
        type: its kind, in the application's words.
        url: where to fetch it.
        name: what to show for it.
    """

    type: str
    url: str
    name: str


class JobResult(Record):
    """What a completed job hands over.

    Attributes:
        content: the text that it produced.
        metrics: figures in the application's words.
        artifacts: files and pages that it made.
    """

    content: str | None = None
    metrics: dict[str, object] | None = None
    artifacts: list[JobArtifact] | None = None


class JobCreated(Event, name="job:created", room="job:{job_id}", conflate=Latest()):
    """The first event of a run; another one starts a new attempt of the same job.

    Attributes:
        job_id: the job.
        title: what to call it.
        owner: the user whose job it is; everyone's if absent.
        attempt: counts the runs of this job, from 1.
    """

    job_id: str
    title: str | None = None
    owner: str | None = None
    attempt: Attempt = 1


class JobProgress(Event, name="job:progress", room="job:{job_id}", conflate=Latest()):
    """Progress of a running job.

    Attributes:
        job_id: the job.
        progress: percent, 0 to 100.
        current_step: what it is doing, for a person.
        estimated_completion: seconds until it is done.
    """

    job_id: str
    progress: Percent
    current_step: str
    estimated_completion: Seconds | None = None


class JobOutput(
    Event, name="job:output", room="job:{job_id}", conflate=Concat("chunk", key="type")
):
    """A piece of the text that a job streams; pieces of one type are appended.

    Attributes:
        job_id: the job.
        chunk: the text to append.
        is_complete: whether the text of this type ends here.
        type: what kind of text it is; plain output if absent.
    """

    job_id: str
    chunk: str
    is_complete: bool = False
    type: OutputType | None = None


class JobStatusChanged(Event, name="job:status", room="job:{job_id}", conflate=Latest()):
    """A job changed its status.

    Attributes:
        job_id: the job.
        status: the status from now on.
        message: more about it, for a person.
    """

    job_id: str
    status: JobStatus
    message: str | None = None


class JobCompleted(Event, name="job:completed", room="job:{job_id}"):
    """A job ended well.

    Attributes:
        job_id: the job.
        result: what it hands over.
        cost: what it cost, in the currency of the budget.
        duration: seconds from its start.
    """

    job_id: str
    result: JobResult
    cost: Cost
    duration: Seconds


class JobFailed(Event, name="job:failed", room="job:{job_id}"):
    """A job ended badly.

    Attributes:
        job_id: the job.
        error: what went wrong, for a person.
        error_code: the stable word for it, such as `worker_lost`.
        retryable: whether trying again without a change can help.
    """

    job_id: str
    error: str
    error_code: str | None = None
    retryable: bool


class JobLease(Event, name="job:lease", room="job:{job_id}", conflate=Latest()):
    """A worker's sign of life: without another in time, its job counts as lost.

    Attributes:
        job_id: the job.
        expires_in: seconds, from the timestamp, until the lease ends.
    """

    job_id: str
    expires_in: Seconds


class JobCancel(Event, name="job:cancel", room="job:{job_id}", origin="both", ack=PublishAck):
    """A request to stop a job; what comes of it is told by the job's status.

    Attributes:
        job_id: the job.
        reason: why, for a person.
    """

    job_id: str
    reason: str | None = None
