import { initialJob, type JobState } from "longwire";

/** Returns a running job with some changes. */
export function runningJob(change: Partial<JobState> = {}): JobState {
  return {
    ...initialJob("42"),
    title: "Analyse",
    status: "running",
    isRunning: true,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...change,
  };
}

/** Returns a job that ended. */
export function endedJob(status: JobState["status"], change: Partial<JobState> = {}): JobState {
  return runningJob({ status, isRunning: false, isComplete: true, ...change });
}
