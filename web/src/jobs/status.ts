import type { JobState, JobStatus } from "longwire";

export const STATUS_WORDS: Readonly<Record<JobStatus, string>> = {
  queued: "Queued",
  running: "Running",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** What a job is called: its title, else its id. */
export function nameOf(job: Pick<JobState, "jobId" | "title">): string {
  return job.title?.trim() || job.jobId;
}

/** The line of an error that says most: a Python traceback ends in it, all else begins with it. */
export function headlineOf(error: string): string {
  const lines = error.trim().split("\n");
  return lines.at(error.startsWith("Traceback (") ? -1 : 0) ?? "";
}

/** What it is doing, or what became of it, in a line. */
export function lineOf(job: JobState): string {
  if (job.status === "failed") return headlineOf(job.error ?? "");
  if (job.status === "running" && job.cancelRequested) return "Stopping…";
  return job.isComplete ? "" : (job.currentStep ?? "");
}

/** Seconds that a job took or has been running; null before it is known. */
export function secondsOf(job: JobState, now: number): number | null {
  if (job.duration !== null) return job.duration;
  if (job.createdAt === null || job.status === "queued") return null;
  const end = job.isComplete ? (job.updatedAt ?? job.createdAt) : now;
  return Math.max(0, (end - job.createdAt) / 1_000);
}
