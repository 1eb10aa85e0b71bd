import type { JobState } from "longwire";

import { LiveJob } from "../../live";
import { request } from "../../longwire";

export default async function Page({ params }: PageProps<"/jobs/[id]">) {
  const { id } = await params;
  const job = await request<JobState>(`/api/jobs/${id}`);
  return <LiveJob id={decodeURIComponent(id)} initialData={job} />;
}
