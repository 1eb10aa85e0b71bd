"""Jobs: work that clients can watch, in whatever process it runs."""

from longwire.jobs.fold import JobState, OutputChunk, fold
from longwire.jobs.host import JobHost
from longwire.jobs.job import BlockingJob, Job, current_job

__all__ = ["BlockingJob", "Job", "JobHost", "JobState", "OutputChunk", "current_job", "fold"]
