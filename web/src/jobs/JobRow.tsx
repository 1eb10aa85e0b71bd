import type { JobState } from "longwire";
import { JobProgressBar } from "longwire/react";
import { memo, type ReactElement } from "react";

import { formatRoute } from "../routing/route";
import { StatusIcon } from "../shell/icons";
import { Percent } from "./Percent";
import { lineOf, nameOf, STATUS_WORDS } from "./status";
import { Age, Elapsed } from "./Times";

/** A job in the list. The line below it is its progress bar. */
export const JobRow = memo(function JobRow({ job }: { readonly job: JobState }): ReactElement {
  const line = lineOf(job);
  return (
    <li className="job-row" data-status={job.status}>
      <a className="job-link" href={formatRoute({ page: "job", jobId: job.jobId })}>
        <StatusIcon status={job.status} />
        <span className="job-name">{nameOf(job)}</span>
        <span className="job-line">
          <span className="job-status">{STATUS_WORDS[job.status]}</span>
          {line !== "" && <span className="job-step">{line}</span>}
        </span>
        <span className="job-percent">
          {job.isRunning && job.progress !== null && <Percent progress={job.progress} />}
        </span>
        <span className="job-elapsed">
          <Elapsed job={job} />
        </span>
        <span className="job-age">{job.createdAt !== null && <Age moment={job.createdAt} />}</span>
      </a>
      {job.isRunning && <JobProgressBar job={job} label={`Progress of ${nameOf(job)}`} />}
    </li>
  );
});
