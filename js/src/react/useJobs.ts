import type { JobsSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

const NO_JOBS: JobsSnapshot = Object.freeze({ jobs: [], status: "loading", error: null });

const whole = (jobs: JobsSnapshot): JobsSnapshot => jobs;

/** The signed-in user's jobs, newest first, running ones live. */
export function useJobs(): JobsSnapshot {
  return useReadable(useClient().jobs(), NO_JOBS, whole);
}
