import { useMemo } from "react";

import type { JobState, JobsSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";
import { useSeeded } from "./useSeeded.js";

/** Options of `useJobs`. */
export interface UseJobsOptions {
  /**
   * Jobs that a server fetched from `GET /api/jobs`: rendered there, while hydrating, and until the
   * client has fetched the list.
   */
  initialData?: readonly JobState[] | null | undefined;
}

const NO_JOBS: JobsSnapshot = Object.freeze({ jobs: [], status: "loading", error: null });

const whole = (jobs: JobsSnapshot): JobsSnapshot => jobs;

/** Returns the signed-in user's jobs, newest first, kept up to date. */
export function useJobs({ initialData: jobs }: UseJobsOptions = {}): JobsSnapshot {
  const initial = useMemo(
    () => (jobs ? { jobs, status: "ready" as const, error: null } : null),
    [jobs],
  );
  const store = useSeeded<JobsSnapshot>(useClient().jobs(), initial, newer);
  return useReadable(store, initial ?? NO_JOBS, whole);
}

function newer(live: JobsSnapshot, initial: JobsSnapshot): JobsSnapshot {
  return live.status === "loading" ? { ...initial, error: live.error } : live;
}
