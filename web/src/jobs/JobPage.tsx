import type { JobSnapshot } from "longwire";
import { JobProgress, useAnnounce, useConnection, useJob } from "longwire/react";
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
import { nameOf, STATUS_WORDS } from "./status";

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

/** The badge beside the name shows the status, so the step needs no words for it. */
const STEP_WORDS = { queued: "", running: "", cancelling: "Stopping…" };

function JobHead({ job }: { readonly job: JobSnapshot }): ReactElement {
  return (
    <header className="job-head" data-status={job.status}>
      <div>
        <p className="job-badge">
          <StatusIcon status={job.status} />
          {STATUS_WORDS[job.status]}
        </p>
        <h1>{nameOf(job)}</h1>
      </div>
      {!job.isComplete && (
        <JobProgress
          className="progress"
          job={job}
          label="Progress"
          showLabel={false}
          statusLabels={STEP_WORDS}
          formatRemaining={formatRemaining}
        />
      )}
    </header>
  );
}

/** Shown before the first event of a job, and when the server denies it. */
function Unknown({ job }: { readonly job: JobSnapshot }): ReactElement {
  const { isConnected } = useConnection();
  if (job.roomError !== null) {
    return (
      <div className="empty">
        <h1>You cannot see this job</h1>
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
          ? "This job has not started yet. It appears here when it does."
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

/** A job's page. */
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
