import type { JobState } from "longwire";
import Link from "next/link";
import { redirect } from "next/navigation";

import { request } from "./longwire";

async function start(form: FormData) {
  "use server";
  const topic = encodeURIComponent(form.get("topic") as string);
  const job = await request<{ jobId: string }>(`/reports?topic=${topic}`, "POST");
  redirect(job ? `/jobs/${job.jobId}` : "/");
}

export default async function Page() {
  const list = await request<{ jobs: JobState[] }>("/api/jobs");
  return (
    <main>
      <form action={start}>
        <input name="topic" aria-label="Topic" required /> <button>Write a report</button>
      </form>
      <ul>
        {list?.jobs.map(({ jobId, title, status }) => (
          <li key={jobId}>
            <Link href={`/jobs/${encodeURIComponent(jobId)}`}>{title ?? jobId}</Link> ({status})
          </li>
        ))}
      </ul>
    </main>
  );
}
