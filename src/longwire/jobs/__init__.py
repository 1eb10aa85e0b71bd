"""Jobs: work that people can watch, whatever runs it."""

from longwire.jobs.blocking import BlockingJob
from longwire.jobs.fold import JobState, OutputChunk, fold
from longwire.jobs.host import JobHost
from longwire.jobs.job import Job, current_job

__all__ = ["BlockingJob", "Job", "JobHost", "JobState", "OutputChunk", "current_job", "fold"]
