import type { JobState, JobStatus } from "longwire";

export const STATUS_WORDS: Readonly<Record<JobStatus, string>> = {
  queued: "Queued",
  running: "Running",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Returns a job's title, or else its id. */
export function nameOf(job: Pick<JobState, "jobId" | "title">): string {
  return job.title?.trim() || job.jobId;
}

/** Returns the most informative line of an error: the last of a Python traceback, else the first. */
export function headlineOf(error: string): string {
  const lines = error.trim().split("\n");
  return lines.at(error.startsWith("Traceback (") ? -1 : 0) ?? "";
}

/** Returns one line about the current step or the failure of a job. */
export function lineOf(job: JobState): string {
  if (job.status === "failed") return headlineOf(job.error ?? "");
  if (job.status === "running" && job.cancelRequested) return "Stopping…";
  return job.isComplete ? "" : (job.currentStep ?? "");
}

/** Returns the seconds that a job took or has been running; null if unknown. */
export function secondsOf(job: JobState, now: number): number | null {
  if (job.duration !== null) return job.duration;
  if (job.createdAt === null || job.status === "queued") return null;
  const end = job.isComplete ? (job.updatedAt ?? job.createdAt) : now;
  return Math.max(0, (end - job.createdAt) / 1_000);
}
