import { type ReactElement, useId } from "react";

import type { JobState } from "../index.js";
import { JobProgressBar } from "./JobProgressBar.js";

export interface JobProgressProps {
  /** What `useJob` gives. */
  job: Pick<
    JobState,
    "progress" | "currentStep" | "status" | "isComplete" | "isRunning" | "estimatedCompletion"
  > & { readonly isKnown?: boolean };
  /** What the progress is of. */
  label: string;
  /** Names of the states; by default the words of the wire. */
  statusLabels?: Partial<Record<JobState["status"], string>>;
  /** Says how long it still takes, in seconds. */
  formatRemaining?: (seconds: number) => string;
  className?: string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

function formatPlain(seconds: number): string {
  if (seconds < MINUTE) return `about ${Math.ceil(seconds)} s left`;
  if (seconds < HOUR) return `about ${Math.ceil(seconds / MINUTE)} min left`;
  return `about ${Math.ceil(seconds / HOUR)} h left`;
}

/**
 * How far a job is: its name, a native progress bar, the step or the outcome, the percentage and
 * the time that it expects to need still. Nothing of it announces itself; see `useAnnounce`.
 */
export function JobProgress(props: JobProgressProps): ReactElement {
  const { job, label, statusLabels, formatRemaining = formatPlain, className } = props;
  const { progress, currentStep, status, isRunning, estimatedCompletion } = job;
  const outcome = job.isKnown === false ? "" : (statusLabels?.[status] ?? status);
  const step = useId();
  const remaining = isRunning && estimatedCompletion !== null ? estimatedCompletion : null;
  return (
    <div className={className} data-longwire="job" data-status={status}>
      <div data-part="label">{label}</div>
      <JobProgressBar job={job} label={label} describedBy={step} />
      <div id={step} data-part="step">
        {isRunning && currentStep ? currentStep : outcome}
      </div>
      {progress !== null && <span data-part="percent">{`${Math.round(progress)} %`}</span>}{" "}
      {remaining !== null && <span data-part="remaining">{formatRemaining(remaining)}</span>}
    </div>
  );
}
