import { initialJob, type JobState } from "longwire";

/** A running job, with what a test wants different. */
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

/** The same job, over. */
export function endedJob(status: JobState["status"], change: Partial<JobState> = {}): JobState {
  return runningJob({ status, isRunning: false, isComplete: true, ...change });
}
