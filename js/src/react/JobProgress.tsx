import { type CSSProperties, type ReactElement, useId } from "react";

import type { JobState, JobStatus } from "../index.js";
import { JobProgressBar } from "./JobProgressBar.js";

/** Props of `JobProgress`. */
export interface JobProgressProps {
  /** A job, such as the result of `useJob`. */
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
  > & { readonly isKnown?: boolean; readonly cancelRequested?: boolean };
  /** The job's name. Default: its title, or else its id. */
  label?: string | undefined;
  /** Whether to show the label; if not, it only names the progress bar. Default: `true`. */
  showLabel?: boolean | undefined;
  /** The texts of the statuses, and of `cancelling`. Default: the names of the protocol. */
  statusLabels?: Partial<Record<JobStatus | "cancelling", string>> | undefined;
  /** Formats the estimated time to completion, in seconds. */
  formatRemaining?: ((seconds: number) => string) | undefined;
  /** The class of the outermost element. */
  className?: string | undefined;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

function formatPlain(seconds: number): string {
  if (seconds < MINUTE) return `about ${Math.ceil(seconds)} s left`;
  if (seconds < HOUR) return `about ${Math.ceil(seconds / MINUTE)} min left`;
  return `about ${Math.ceil(seconds / HOUR)} h left`;
}

/** Returns the current step, or the status; nothing before the job is known. */
function describe(job: JobProgressProps["job"], labels: JobProgressProps["statusLabels"]): string {
  if (job.isKnown === false) return "";
  const key = job.isRunning && job.cancelRequested ? "cancelling" : job.status;
  const label = labels?.[key] ?? key;
  return key === "cancelling" || job.isComplete ? label : job.currentStep || label;
}

/**
 * A job's name, progress bar, step or outcome, percentage and estimated time to completion. It is
 * not announced to screen readers; see `useAnnounce`. `data-status` is the job's status, and the
 * custom property `--longwire-progress` its percentage.
 */
export function JobProgress(props: JobProgressProps): ReactElement {
  const { job, statusLabels, formatRemaining = formatPlain, className } = props;
  const { progress, status, estimatedCompletion } = job;
  const label = props.label ?? job.title ?? job.jobId;
  const remaining = job.isRunning ? estimatedCompletion : null;
  const step = useId();
  return (
    <div
      className={className}
      style={{ "--longwire-progress": progress ?? 0 } as CSSProperties}
      data-longwire="job"
      data-status={status}
    >
      {props.showLabel !== false && <div data-part="label">{label}</div>}
      <JobProgressBar job={job} label={label} describedBy={step} />
      <div id={step} data-part="step">
        {describe(job, statusLabels)}
      </div>
      {progress !== null && (
        <span data-part="percent">
          {Math.floor(progress)}
          <span data-part="percent-sign">%</span>
        </span>
      )}{" "}
      {remaining !== null && <span data-part="remaining">{formatRemaining(remaining)}</span>}
    </div>
  );
}
