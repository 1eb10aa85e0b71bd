import { useMemo } from "react";

import type { JobResult, JobStatus } from "../index.js";
import { type JobView, type UseJobOptions, useJob } from "./useJob.js";

/** A job under the names of the specification. Null means unknown. */
export interface JobProgressView {
  status: JobStatus | null;
  progress: number | null;
  currentStep: string | null;
  output: readonly string[];
  result: JobResult | null;
  error: string | null;
  cost: number | null;
  duration: number | null;
  estimatedCompletion: number | null;
  isComplete: boolean;
  isRunning: boolean;
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
