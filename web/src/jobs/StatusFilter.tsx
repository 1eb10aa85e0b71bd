import type { JobState } from "longwire";
import type { ReactElement } from "react";

import { type StatusFilter as Filter, formatRoute, STATUSES } from "../routing/route";
import { STATUS_WORDS } from "./status";

interface StatusFilterProps {
  readonly jobs: readonly JobState[];
  readonly selected: Filter;
}

interface ChoiceProps {
  readonly status: Filter;
  readonly amount: number;
  readonly isSelected: boolean;
}

function Choice({ status, amount, isSelected }: ChoiceProps): ReactElement {
  return (
    <li>
      <a
        href={formatRoute({ page: "jobs", status })}
        aria-current={isSelected ? "true" : undefined}
      >
        {status === null ? "All" : STATUS_WORDS[status]}
        <span className="filter-count">{amount}</span>
      </a>
    </li>
  );
}

/** Links that filter the list by status. Statuses without jobs are omitted. */
export function StatusFilter({ jobs, selected }: StatusFilterProps): ReactElement {
  const count = (status: Filter): number => jobs.filter((job) => job.status === status).length;
  const shown = STATUSES.filter((status) => status === selected || count(status) > 0);
  return (
    <nav className="filter" aria-label="Filter by status">
      <ul>
        <Choice status={null} amount={jobs.length} isSelected={selected === null} />
        {shown.map((status) => (
          <Choice
            key={status}
            status={status}
            amount={count(status)}
            isSelected={status === selected}
          />
        ))}
      </ul>
    </nav>
  );
}
