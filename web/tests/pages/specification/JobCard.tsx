import {
  type JobOutputEvent,
  type JobProgressEvent,
  type JobStatus,
  useJobProgress,
  useWebSocket,
  useWebSocketStore,
} from "longwire/compat";
import { useCallback, useEffect, useState } from "react";

import { send, useTyped, words } from "./useTyped";

const LABELS: Record<JobStatus, string> = {
  queued: "Waiting",
  running: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Folds the raw events, as the hook of the specification did. */
function useOwnOutput(jobId: string): string {
  const { isConnected, subscribe, joinRoom, leaveRoom } = useWebSocket();
  const [text, setText] = useState("");
  useEffect(() => {
    if (!isConnected) return;
    joinRoom(`job:${jobId}`);
    return () => leaveRoom(`job:${jobId}`);
  }, [jobId, isConnected, joinRoom, leaveRoom]);
  useEffect(
    () =>
      subscribe("job:output", (data: JobOutputEvent) => {
        if (data.jobId === jobId) setText((before) => before + data.chunk);
      }),
    [jobId, subscribe],
  );
  return text;
}

export function JobCard({ jobId }: { jobId: string }) {
  const job = useJobProgress(jobId);
  const connectionState = useWebSocketStore((store) => store.connectionState);
  const [summary, setSummary] = useState("");
  useTyped(
    "job:completed",
    useCallback((event) => setSummary(`${words(event)} words`), []),
  );
  useTyped(
    "job:progress",
    useCallback((event: JobProgressEvent) => void event.progress.toFixed(), []),
  );
  const status: JobStatus = job.status;
  const last: string | undefined = job.output.at(-1);
  return (
    <section aria-label="Job">
      <p>{`${LABELS[status]}: ${job.currentStep.trim()}`}</p>
      <progress max={100} value={job.progress} />
      <p>{`${job.cost.toFixed(2)} $ in ${Math.round(job.duration)} s`}</p>
      <pre data-own={useOwnOutput(jobId)}>{job.output.join("")}</pre>
      <p>{job.isComplete ? summary || last : connectionState}</p>
      <button
        type="button"
        onClick={() => send("job:cancel", { jobId, reason: "no time", timestamp: Date.now() })}
      >
        Stop
      </button>
    </section>
  );
}
