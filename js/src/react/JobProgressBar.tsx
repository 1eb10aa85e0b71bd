import type { ReactElement } from "react";

import type { JobState } from "../index.js";

/** Props of `JobProgressBar`. */
export interface JobProgressBarProps {
  /** A job, such as the result of `useJob`. */
  job: Pick<JobState, "progress" | "currentStep" | "status" | "isComplete">;
  /** The accessible name. */
  label: string;
  /** The id of an element that describes the progress further. */
  describedBy?: string | undefined;
  /** The class of the outermost element. */
  className?: string | undefined;
}

/**
 * A native progress bar, indeterminate until the progress is known. `data-status` is the job's
 * status. Changes are not announced to screen readers; see `useAnnounce`.
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

/** Rounds down: 100% means that everything is done. */
function valueText(progress: number | null, step: string | null): string | undefined {
  const parts = [progress === null ? null : `${Math.floor(progress)}%`, step];
  return parts.filter(Boolean).join(", ") || undefined;
}
