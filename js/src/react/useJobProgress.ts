import { useMemo } from "react";

import type { JobResult, JobStatus } from "../index.js";
import { type JobView, type UseJobOptions, useJob } from "./useJob.js";

/** A job under the names of the specification. Null means unknown. */
export interface JobProgressView {
  /** The job's status. */
  status: JobStatus | null;
  /** Percent, 0–100. */
  progress: number | null;
  /** What the job is doing. */
  currentStep: string | null;
  /** The streamed text in chunks. */
  output: readonly string[];
  /** The result of a completed job. */
  result: JobResult | null;
  /** Why the job failed, or why the server denied its room. */
  error: string | null;
  /** In the currency of the budget. */
  cost: number | null;
  /** Seconds. */
  duration: number | null;
  /** The estimated time to completion, in seconds. */
  estimatedCompletion: number | null;
  /** Whether the job has ended: completed, failed or cancelled. */
  isComplete: boolean;
  /** Whether the job is running. */
  isRunning: boolean;
  /** Discards the derived state and reads the job's log again. */
  reset: () => void;
}

/** Returns a job's progress, output and outcome. A null id tracks no job. */
export function useJobProgress(
  jobId: string | null,
  options: Pick<UseJobOptions, "enabled" | "initialData" | "onComplete"> = {},
): JobProgressView {
  const { enabled, initialData, onComplete } = options;
  const job = useJob(jobId, { enabled, initialData, onComplete });
  const texts = useMemo(() => job.output.map((chunk) => chunk.text), [job.output]);
  return useMemo(() => view(job, texts), [job, texts]);
}

function view(job: JobView, output: readonly string[]): JobProgressView {
  return {
    status: job.isKnown ? job.status : null,
    progress: job.progress,
    currentStep: job.currentStep,
    output,
    result: job.result,
    error: job.error ?? job.roomError?.message ?? null,
    cost: job.cost,
    duration: job.duration,
    estimatedCompletion: job.estimatedCompletion,
    isComplete: job.isComplete,
    isRunning: job.isRunning,
    reset: job.reset,
  };
}
