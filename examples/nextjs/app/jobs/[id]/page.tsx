import type { JobState } from "longwire";

import { LiveJob } from "../../live";
import { ask } from "../../longwire";

export default async function Page({ params }: PageProps<"/jobs/[id]">) {
  const { id } = await params;
  const job = await ask<JobState>(`/api/jobs/${id}`);
  return <LiveJob id={decodeURIComponent(id)} initialData={job} />;
}
