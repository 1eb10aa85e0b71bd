import type { JobState } from "longwire";
import { memo, type ReactElement } from "react";

import { formatAge, formatDuration, formatElapsed, formatMoment } from "../format/duration";
import { useNow } from "../shell/clock";
import { secondsOf } from "./status";

/** How long ago a moment was, with the date and time as a tooltip. */
export const Age = memo(function Age({ moment }: { readonly moment: number }): ReactElement {
  const now = useNow();
  return (
    <time dateTime={new Date(moment).toISOString()} title={formatMoment(moment)}>
      {formatAge(moment, now)}
    </time>
  );
});

function Running({ job }: { readonly job: JobState }): ReactElement {
  const seconds = secondsOf(job, useNow());
  return <>{seconds === null ? "" : formatElapsed(seconds)}</>;
}

/** How long a job took, or has been running. */
export function Elapsed({ job }: { readonly job: JobState }): ReactElement {
  if (!job.isComplete) return <Running job={job} />;
  const seconds = secondsOf(job, 0);
  return <>{seconds === null ? "" : formatDuration(seconds)}</>;
}
