"use client";

import type { JobState } from "longwire";
import {
  ConnectionStatus,
  JobOutput,
  JobProgressBar,
  LiveRegion,
  LongwireProvider,
  useJob,
} from "longwire/react";

async function fetchToken() {
  const answer = await fetch("/api/token", { method: "POST" });
  if (!answer.ok) throw new Error(`No token: HTTP ${answer.status}`);
  return answer.text();
}

export function Live({ url, children }: { url: string; children: React.ReactNode }) {
  return (
    <LongwireProvider url={url} token={fetchToken}>
      <ConnectionStatus />
      {children}
    </LongwireProvider>
  );
}

export function LiveJob({ id, initialData }: { id: string; initialData: JobState | null }) {
  const { error, roomError, ...job } = useJob(id, { initialData });
  const news = error ?? roomError?.message ?? ((job.isRunning && job.currentStep) || job.status);
  return (
    <article>
      <h1>{job.title ?? id}</h1>
      <JobProgressBar job={job} label="Progress" />
      <p>{news}</p>
      {job.isRunning && <button onClick={() => void job.cancel()}>Stop</button>}
      <JobOutput job={job} />
      <LiveRegion message={news} />
    </article>
  );
}
