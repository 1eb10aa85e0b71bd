import type { JobsSnapshot } from "longwire";
import { useAnnounce, useJobs } from "longwire/react";
import { type ReactElement, useEffect, useState } from "react";

import { OverviewAside } from "../overview/OverviewAside";
import type { StatusFilter as Filter } from "../routing/route";
import { CopyButton } from "../shell/CopyButton";
import { usePageTitle } from "../shell/usePageTitle";
import { ListAnnouncer } from "./announcements";
import { JobRow } from "./JobRow";
import { StatusFilter } from "./StatusFilter";
import { STATUS_WORDS } from "./status";

const EXAMPLE = "longwire run -- make test";

function NoJobs(): ReactElement {
  return (
    <div className="empty">
      <h2>No jobs yet</h2>
      <p>Run any command as a live job. It appears here when it starts.</p>
      <p className="command">
        <code>
          <span className="prompt" aria-hidden="true">
            ${" "}
          </span>
          longwire run -- <var>COMMAND</var>
        </code>
        <CopyButton text={() => EXAMPLE} label="Copy an example command">
          Copy
        </CopyButton>
      </p>
      <p>
        Its output streams line by line, percentages in it become progress, and its exit code
        becomes the outcome.
      </p>
    </div>
  );
}

function useListAnnouncements({ jobs, status }: JobsSnapshot): void {
  const announce = useAnnounce();
  const [announcer] = useState(() => new ListAnnouncer());
  useEffect(() => {
    if (status === "loading") return;
    const message = announcer.next(jobs);
    if (message !== null) announce(message);
  }, [announce, announcer, jobs, status]);
}

function List({
  list,
  filter,
}: {
  readonly list: JobsSnapshot;
  readonly filter: Filter;
}): ReactElement {
  const shown = filter === null ? list.jobs : list.jobs.filter((job) => job.status === filter);
  if (list.jobs.length === 0) {
    return list.status === "loading" ? <p className="loading">Loading…</p> : <NoJobs />;
  }
  if (shown.length === 0) {
    const word = filter === null ? "" : STATUS_WORDS[filter].toLowerCase();
    return (
      <p className="loading">
        No {word} jobs. <a href="#/jobs">Show all</a>
      </p>
    );
  }
  return (
    <ul className="job-list">
      {shown.map((job) => (
        <JobRow key={job.jobId} job={job} />
      ))}
    </ul>
  );
}

/** The user's jobs, newest first, live. */
export function JobsPage({ filter }: { readonly filter: Filter }): ReactElement {
  const list = useJobs();
  const running = list.jobs.filter((job) => job.isRunning).length;
  usePageTitle(running > 0 ? `${running} running` : "Jobs");
  useListAnnouncements(list);
  return (
    <>
      <div className="page-head">
        <h1>Jobs</h1>
        {list.jobs.length > 0 && <StatusFilter jobs={list.jobs} selected={filter} />}
      </div>
      {list.error !== null && (
        <p className="problem" role="alert">
          The list of jobs cannot be loaded. {list.error.message}
        </p>
      )}
      <div className="jobs-body">
        <List list={list} filter={filter} />
        <OverviewAside />
      </div>
    </>
  );
}
