import type { ReactElement } from "react";

import type { JobState } from "../index.js";

export interface JobProgressBarProps {
  job: Pick<JobState, "progress" | "currentStep" | "status" | "isComplete">;
  /** What the progress is of: its accessible name. */
  label: string;
  /** The id of an element that says more. */
  describedBy?: string | undefined;
  className?: string | undefined;
}

/**
 * A native progress bar: indeterminate until progress is known. `data-status` is the job's status.
 * What it says to a screen reader is not announced by itself; see `useAnnounce`.
 */
export function JobProgressBar(props: JobProgressBarProps): ReactElement {
  const { job, label, describedBy, className } = props;
  const { progress, currentStep, status, isComplete } = job;
  const value = progress ?? (isComplete ? 0 : undefined);
  return (
    <progress
      className={className}
      aria-label={label}
      aria-describedby={describedBy}
      aria-valuetext={valueText(progress, currentStep)}
      data-longwire="job-progress"
      data-status={status}
      max={100}
      value={value}
    />
  );
}

function valueText(progress: number | null, step: string | null): string | undefined {
  const parts = [progress === null ? null : `${Math.round(progress)} %`, step];
  return parts.filter(Boolean).join(", ") || undefined;
}
