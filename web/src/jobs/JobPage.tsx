import type { JobSnapshot } from "longwire";
import { JobProgressBar, useAnnounce, useConnection, useJob } from "longwire/react";
import { type ReactElement, useEffect, useState } from "react";

import { formatRemaining } from "../format/duration";
import { formatPercent } from "../format/number";
import { OutputPane } from "../output/OutputPane";
import { BackIcon, StatusIcon } from "../shell/icons";
import { usePageTitle } from "../shell/usePageTitle";
import { JobAnnouncer } from "./announcements";
import { CancelButton } from "./CancelButton";
import { JobFacts } from "./JobFacts";
import { JobFailure, ResultDetails, ResultText } from "./JobOutcome";
import { Percent } from "./Percent";
import { lineOf, nameOf, STATUS_WORDS } from "./status";

function titleOf(job: JobSnapshot): string {
  if (job.isComplete) return `${STATUS_WORDS[job.status]}: ${nameOf(job)}`;
  return job.progress === null ? nameOf(job) : `${formatPercent(job.progress)} ${nameOf(job)}`;
}

function useJobAnnouncements(job: JobSnapshot): void {
  const announce = useAnnounce();
  const [announcer] = useState(() => new JobAnnouncer());
  useEffect(() => {
    const message = job.isKnown ? announcer.next(job, Date.now()) : null;
    if (message !== null) announce(message);
  }, [announce, announcer, job]);
}

/** How far it is: a number, a wire that fills, what it is doing, and what is left. */
function JobProgress({ job }: { readonly job: JobSnapshot }): ReactElement {
  const remaining = job.isRunning ? formatRemaining(job.estimatedCompletion ?? NaN) : "";
  const step = lineOf(job);
  const style = { "--progress": `${job.progress ?? 0}%` } as React.CSSProperties;
  return (
    <div className="progress" style={style} data-known={job.progress !== null}>
      <p className="progress-line">
        {step !== "" && <span className="progress-step">{step}</span>}
        {remaining !== "" && <span className="progress-left">{remaining}</span>}
      </p>
      <JobProgressBar className="bar" job={job} label="Progress" />
    </div>
  );
}

function JobHead({ job }: { readonly job: JobSnapshot }): ReactElement {
  return (
    <header className="job-head" data-status={job.status}>
      <div className="job-head-row">
        <div>
          <p className="job-badge">
            <StatusIcon status={job.status} />
            {STATUS_WORDS[job.status]}
          </p>
          <h1>{nameOf(job)}</h1>
        </div>
        {!job.isComplete && job.progress !== null && (
          <span className="percent" aria-hidden="true">
            <Percent progress={job.progress} />
          </span>
        )}
      </div>
      {!job.isComplete && <JobProgress job={job} />}
    </header>
  );
}

/** Before the job is known: it comes, it is refused, or there is none. */
function Unknown({ job }: { readonly job: JobSnapshot }): ReactElement {
  const { isConnected } = useConnection();
  if (job.roomError !== null) {
    return (
      <div className="empty">
        <h1>This job is not for you to see</h1>
        <p>
          {job.roomError.message} (<code>{job.roomError.code}</code>)
        </p>
      </div>
    );
  }
  return (
    <div className="empty">
      <h1>{job.jobId}</h1>
      <p>
        {isConnected
          ? "Nothing has been heard of this job yet. It shows here when it starts."
          : "Connecting…"}
      </p>
    </div>
  );
}

function Known({ job }: { readonly job: JobSnapshot }): ReactElement {
  return (
    <article className="job">
      <JobHead job={job} />
      <div className="job-body">
        <div className="job-main">
          {job.status === "failed" && <JobFailure job={job} />}
          {job.result?.content && <ResultText content={job.result.content} />}
          <OutputPane job={job} />
        </div>
        <aside className="job-aside" aria-label="Details">
          <JobFacts job={job} />
          {job.result !== null && <ResultDetails result={job.result} />}
        </aside>
      </div>
    </article>
  );
}

/** One job, live. */
export function JobPage({ jobId }: { readonly jobId: string }): ReactElement {
  const job = useJob(jobId);
  usePageTitle(titleOf(job));
  useJobAnnouncements(job);
  return (
    <>
      <div className="job-bar">
        <nav className="crumbs" aria-label="Breadcrumb">
          <a href="#/jobs">
            <BackIcon />
            Jobs
          </a>
        </nav>
        {job.isKnown && !job.isComplete && <CancelButton job={job} />}
      </div>
      {job.isKnown ? <Known job={job} /> : <Unknown job={job} />}
    </>
  );
}
