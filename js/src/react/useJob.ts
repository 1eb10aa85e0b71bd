import { useEffect, useMemo, useRef } from "react";

import {
  initialJob,
  type JobSnapshot,
  type JobState,
  type JobTracker,
  type WebSocketClient,
} from "../index.js";
import { isBehind } from "../jobTracker.js";
import { useClient } from "./provider.js";
import { useLatestRef } from "./useLatestRef.js";
import { useReadable } from "./useReadable.js";
import { useSeeded } from "./useSeeded.js";

/** Options of `useJob`. */
export interface UseJobOptions<R = JobSnapshot> {
  /** Selects what the component needs; it renders only when that changes. */
  select?: ((job: JobSnapshot) => R) | undefined;
  /** Whether to track the job. Default: `true`. */
  enabled?: boolean | undefined;
  /**
   * The job as a server fetched it from `GET /api/jobs/{id}`: rendered there, while hydrating, and
   * until the live state has caught up with it.
   */
  initialData?: JobState | null | undefined;
  /** Called once when the job ends, also if it had ended before the component mounted. */
  onComplete?: ((job: JobSnapshot) => void) | undefined;
}

/** A job's state, with functions that act on it. */
export interface JobView extends JobSnapshot {
  /** Asks the job to stop; rejects if the server does not accept the request. */
  readonly cancel: (reason?: string) => Promise<unknown>;
  /** Discards the derived state and reads the job's log again. */
  readonly reset: () => void;
  /** Joins the room again after a `roomError`, and reconnects if there is no connection. */
  readonly retry: () => void;
}

const NO_JOB: JobSnapshot = Object.freeze({ ...initialJob(""), isKnown: false, roomError: null });

const whole = (job: JobSnapshot): JobSnapshot => job;

/** Returns a job's state and keeps it up to date. A null id tracks no job. */
export function useJob(
  id: string | null,
  options?: Omit<UseJobOptions, "select"> & { select?: undefined },
): JobView;
/** Returns what `select` returns of a job's state. */
export function useJob<R>(
  id: string | null,
  options: UseJobOptions<R> & { select: (job: JobSnapshot) => R },
): R;
export function useJob(id: string | null, options: UseJobOptions<unknown> = {}): unknown {
  const client = useClient();
  const tracker = useJobTracker(options.enabled === false ? null : id);
  const select = options.select;
  const initial = useInitial(id, options.initialData);
  const value = useReadable<JobSnapshot, unknown>(
    useSeeded(tracker, initial, newer),
    initial ?? NO_JOB,
    select ?? whole,
  );
  useOnComplete(tracker, options.onComplete);
  const view = useMemo(
    () => (select ? null : withActions(value as JobSnapshot, tracker, client)),
    [select, value, tracker, client],
  );
  return view ?? value;
}

/** Returns the job's tracker, the same one for the same client and id. */
export function useJobTracker(id: string | null): JobTracker | null {
  const client = useClient();
  return useMemo(() => (id === null ? null : client.job(id)), [client, id]);
}

function useInitial(id: string | null, job: JobState | null | undefined): JobSnapshot | null {
  return useMemo(
    () => (job && job.jobId === id ? { ...job, isKnown: true, roomError: null } : null),
    [id, job],
  );
}

/** Returns the initial state until the replayed log has caught up with it. */
function newer(live: JobSnapshot, initial: JobSnapshot): JobSnapshot {
  return isBehind(live, initial) ? { ...initial, roomError: live.roomError } : live;
}

function withActions(
  job: JobSnapshot,
  tracker: JobTracker | null,
  client: WebSocketClient,
): JobView {
  const nothing = (): Promise<unknown> => Promise.resolve();
  return {
    ...job,
    cancel: tracker?.cancel ?? nothing,
    reset: tracker?.reset ?? (() => undefined),
    retry: () => client.retry(),
  };
}

/** Calls back once for each attempt that ends while the job is tracked. */
function useOnComplete(
  tracker: JobTracker | null,
  onComplete: ((job: JobSnapshot) => void) | undefined,
): void {
  const latest = useLatestRef(onComplete);
  /** The tracker whose end was reported. The effect runs twice in StrictMode; the ref persists. */
  const reported = useRef<JobTracker | null>(null);
  useEffect(() => {
    if (!tracker) return undefined;
    const check = (): void => {
      const job = tracker.getSnapshot();
      if (job.isComplete && reported.current !== tracker) latest.current?.(job);
      reported.current = job.isComplete ? tracker : null;
    };
    const stop = tracker.subscribe(check);
    check();
    return stop;
  }, [tracker, latest]);
}
