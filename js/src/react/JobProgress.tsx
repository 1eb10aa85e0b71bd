import { type ReactElement, useId } from "react";

import type { JobState } from "../index.js";
import { JobProgressBar } from "./JobProgressBar.js";

export interface JobProgressProps {
  /** What `useJob` gives. */
  job: Pick<
    JobState,
    | "jobId"
    | "title"
    | "progress"
    | "currentStep"
    | "status"
    | "isComplete"
    | "isRunning"
    | "estimatedCompletion"
  > & { readonly isKnown?: boolean };
  /** What the progress is of; by default the job's title, else its id. */
  label?: string | undefined;
  /** Names of the states; by default the words of the wire. */
  statusLabels?: Partial<Record<JobState["status"], string>> | undefined;
  /** Says how long it still takes, in seconds. */
  formatRemaining?: ((seconds: number) => string) | undefined;
  className?: string | undefined;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

function formatPlain(seconds: number): string {
  if (seconds < MINUTE) return `about ${Math.ceil(seconds)} s left`;
  if (seconds < HOUR) return `about ${Math.ceil(seconds / MINUTE)} min left`;
  return `about ${Math.ceil(seconds / HOUR)} h left`;
}

/** The step that it is at, or its state; nothing before anybody has said. */
function describe(job: JobProgressProps["job"], labels: JobProgressProps["statusLabels"]): string {
  if (job.isKnown === false) return "";
  return (job.isRunning && job.currentStep) || (labels?.[job.status] ?? job.status);
}

/**
 * How far a job is: its name, a native progress bar, the step or the outcome, the percentage and
 * the time that it expects to need still. Nothing of it announces itself; see `useAnnounce`.
 */
export function JobProgress(props: JobProgressProps): ReactElement {
  const { job, statusLabels, formatRemaining = formatPlain, className } = props;
  const { progress, status, estimatedCompletion } = job;
  const label = props.label ?? job.title ?? job.jobId;
  const remaining = job.isRunning ? estimatedCompletion : null;
  const step = useId();
  return (
    <div className={className} data-longwire="job" data-status={status}>
      <div data-part="label">{label}</div>
      <JobProgressBar job={job} label={label} describedBy={step} />
      <div id={step} data-part="step">
        {describe(job, statusLabels)}
      </div>
      {progress !== null && <span data-part="percent">{`${Math.round(progress)} %`}</span>}{" "}
      {remaining !== null && <span data-part="remaining">{formatRemaining(remaining)}</span>}
    </div>
  );
}
