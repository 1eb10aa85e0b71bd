import { useMemo } from "react";

import type { JobState, JobsSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";
import { useSeeded } from "./useSeeded.js";

export interface UseJobsOptions {
  /**
   * The jobs as a server read them, at `GET /api/jobs`: shown there, while hydrating, and until
   * the list has come here.
   */
  initialData?: readonly JobState[] | null | undefined;
}

const NO_JOBS: JobsSnapshot = Object.freeze({ jobs: [], status: "loading", error: null });

const whole = (jobs: JobsSnapshot): JobsSnapshot => jobs;

/** The signed-in user's jobs, newest first, running ones live. */
export function useJobs({ initialData: jobs }: UseJobsOptions = {}): JobsSnapshot {
  const known = useMemo(
    () => (jobs ? { jobs, status: "ready" as const, error: null } : null),
    [jobs],
  );
  const store = useSeeded<JobsSnapshot>(useClient().jobs(), known, newer);
  return useReadable(store, known ?? NO_JOBS, whole);
}

function newer(live: JobsSnapshot, known: JobsSnapshot): JobsSnapshot {
  return live.status === "loading" ? { ...known, error: live.error } : live;
}
