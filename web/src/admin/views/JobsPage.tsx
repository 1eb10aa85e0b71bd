import type { ReactElement } from "react";

import { formatDuration } from "../../format/duration";
import { formatNumber, formatPercent } from "../../format/number";
import { STATUS_WORDS } from "../../jobs/status";
import { StatusIcon } from "../../shell/icons";
import { useApi, usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { JobState, JobsView } from "../api/types";
import { useOperator } from "../api/useOperator";
import { Link } from "../routing/Link";
import type { Query } from "../routing/place";
import { ActionButton } from "../shell/ActionButton";
import { PageBody } from "../shell/PageBody";
import { type Column, type Sorting, Table } from "../table/Table";
import { Toolbar } from "../table/Toolbar";
import { Since } from "./parts";

const COLUMNS: readonly Column<JobState>[] = [
  {
    key: "title",
    name: "Job",
    isWide: true,
    cell: ({ jobId, title }) => (
      <Link className="name" view="room" query={{ name: `job:${jobId}` }} title={jobId}>
        {title ?? jobId}
      </Link>
    ),
  },
  {
    key: "status",
    name: "Status",
    cell: ({ status }) => (
      <span className="job-state">
        <StatusIcon status={status} />
        {STATUS_WORDS[status]}
      </span>
    ),
  },
  {
    key: "progress",
    name: "Progress",
    isNumeric: true,
    cell: ({ progress }) => (typeof progress === "number" ? formatPercent(progress) : "–"),
  },
  {
    key: "currentStep",
    name: "Step or error",
    isFixed: true,
    cell: ({ currentStep, error }) => <span className="cut">{error ?? currentStep ?? "–"}</span>,
    title: ({ currentStep, error }) => error ?? currentStep ?? "",
  },
  { key: "owner", name: "Owner", cell: ({ owner }) => owner ?? "–" },
  {
    key: "attempt",
    name: "Attempt",
    isNumeric: true,
    cell: ({ attempt }) => formatNumber(attempt),
  },
  {
    key: "createdAt",
    name: "Started",
    isNumeric: true,
    cell: ({ createdAt }) => (createdAt ? <Since moment={createdAt} /> : "–"),
  },
  {
    key: "updatedAt",
    name: "Silent for",
    isNumeric: true,
    cell: ({ updatedAt, isComplete }) =>
      updatedAt && !isComplete ? <Since moment={updatedAt} /> : "–",
  },
  {
    key: "lease",
    name: "Lease",
    isFixed: true,
    isNumeric: true,
    cell: ({ lease, isComplete }) =>
      typeof lease === "number" && !isComplete ? formatDuration(lease) : "–",
  },
];

/** Asks a job to stop. */
function Cancel({ jobId, name }: { readonly jobId: string; readonly name: string }): ReactElement {
  const api = useApi();
  return (
    <ActionButton
      label="Cancel"
      question={`Stop “${name}” for everyone?`}
      confirmLabel="Stop it"
      act={() => api.post("cancel", { job: jobId, reason: "Cancelled by an operator" })}
      done="The job was asked to stop."
    />
  );
}

const ACTIONS: Column<JobState> = {
  key: "actions",
  name: "Actions",
  isFixed: true,
  cell: ({ jobId, title, isComplete, cancelRequested }) => {
    if (isComplete) return <span className="none">–</span>;
    return cancelRequested ? "Stopping…" : <Cancel jobId={jobId} name={title ?? jobId} />;
  },
};

/** The newest jobs of all users, one page of them. */
export function JobsPage({ query }: { readonly query: Query }): ReactElement {
  const { mayAct } = useOperator();
  const columns = mayAct ? [...COLUMNS, ACTIONS] : COLUMNS;
  const sorting: Sorting = { view: "jobs", query, sort: query["sort"] ?? "-updatedAt" };
  const page = usePage<JobsView>(
    apiPath(["jobs"], { sort: sorting.sort, limit: query["limit"], q: query["q"] }),
  );
  return (
    <PageBody title="Jobs" page={page}>
      {({ jobs, total }) => (
        <>
          <h1>Jobs</h1>
          <Toolbar
            sorting={sorting}
            columns={columns}
            searchLabel="Search job, title, owner"
            noun="job"
            shown={jobs.length}
            total={total}
          />
          {jobs.length === 0 ? (
            <p className="loading">
              {query["q"] === undefined ? "No jobs yet." : `No job matches “${query["q"]}”.`}
            </p>
          ) : (
            <Table
              caption="Jobs"
              columns={columns}
              rows={jobs}
              keyOf={({ jobId }) => jobId}
              stateOf={({ status }) => status}
              sorting={sorting}
            />
          )}
        </>
      )}
    </PageBody>
  );
}
