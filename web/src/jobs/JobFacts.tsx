import type { JobState } from "longwire";
import type { ReactElement, ReactNode } from "react";

import { formatCost } from "../format/number";
import { CopyButton } from "../shell/CopyButton";
import { Age, Elapsed } from "./Times";

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A job's times, cost, attempt, owner and id. */
export function JobFacts({ job }: { readonly job: JobState }): ReactElement {
  return (
    <dl className="facts">
      {job.createdAt !== null && (
        <Fact name="Started">
          <Age moment={job.createdAt} />
        </Fact>
      )}
      {job.createdAt !== null && (
        <Fact name={job.isComplete ? "Took" : "Running for"}>
          <Elapsed job={job} />
        </Fact>
      )}
      {job.cost !== null && job.cost > 0 && <Fact name="Cost">{formatCost(job.cost)}</Fact>}
      {job.attempt > 1 && <Fact name="Attempt">{job.attempt}</Fact>}
      {job.owner !== null && <Fact name="Owner">{job.owner}</Fact>}
      <Fact name="Job">
        <CopyButton text={() => job.jobId} label={`Copy the job id ${job.jobId}`} className="id">
          {job.jobId}
        </CopyButton>
      </Fact>
    </dl>
  );
}
