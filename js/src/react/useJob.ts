import { useEffect, useMemo, useRef } from "react";

import {
  initialJob,
  type JobHandle,
  type JobSnapshot,
  type JobState,
  type WebSocketClient,
} from "../index.js";
import { isBehind } from "../job.js";
import { useClient } from "./provider.js";
import { useLatest } from "./useLatest.js";
import { useReadable } from "./useReadable.js";
import { useSeeded } from "./useSeeded.js";

export interface UseJobOptions<R = JobSnapshot> {
  /** Picks what the component needs; it renders only when that changes. */
  select?: ((job: JobSnapshot) => R) | undefined;
  /** `false`: do not watch. */
  enabled?: boolean | undefined;
  /**
   * The job as a server read it, at `GET /api/jobs/{id}`: shown there, while hydrating, and until
   * the live job has caught up with it.
   */
  initialData?: JobState | null | undefined;
  /** Called once when the job ends, also if it had ended before we looked. */
  onComplete?: ((job: JobSnapshot) => void) | undefined;
}

/** A job and what can be asked of it. */
export interface JobView extends JobSnapshot {
  /** Asks the job to stop; rejects if the server does not take the request. */
  readonly cancel: (reason?: string) => Promise<unknown>;
  /** Drops what was derived and reads the job's log again. */
  readonly reset: () => void;
  /** Asks again: to be let in after a refusal (`roomError`), and to connect if there is no connection. */
  readonly retry: () => void;
}

const NO_JOB: JobSnapshot = Object.freeze({ ...initialJob(""), isKnown: false, roomError: null });

const whole = (job: JobSnapshot): JobSnapshot => job;

/** Watches a job; `null` means none. */
export function useJob(
  id: string | null,
  options?: Omit<UseJobOptions, "select"> & { select?: undefined },
): JobView;
/** Watches a part of a job: what `select` makes of it. */
export function useJob<R>(
  id: string | null,
  options: UseJobOptions<R> & { select: (job: JobSnapshot) => R },
): R;
export function useJob(id: string | null, options: UseJobOptions<unknown> = {}): unknown {
  const client = useClient();
  const handle = useJobHandle(options.enabled === false ? null : id);
  const select = options.select;
  const known = useKnown(id, options.initialData);
  const value = useReadable<JobSnapshot, unknown>(
    useSeeded(handle, known, newer),
    known ?? NO_JOB,
    select ?? whole,
  );
  useOnComplete(handle, options.onComplete);
  const view = useMemo(
    () => (select ? null : withVerbs(value as JobSnapshot, handle, client)),
    [select, value, handle, client],
  );
  return view ?? value;
}

/** The job's handle: the same one for the same client and id. */
export function useJobHandle(id: string | null): JobHandle | null {
  const client = useClient();
  return useMemo(() => (id === null ? null : client.job(id)), [client, id]);
}

function useKnown(id: string | null, job: JobState | null | undefined): JobSnapshot | null {
  return useMemo(
    () => (job && job.jobId === id ? { ...job, isKnown: true, roomError: null } : null),
    [id, job],
  );
}

/** What was known, until the log has come as far. */
function newer(live: JobSnapshot, known: JobSnapshot): JobSnapshot {
  return isBehind(live, known) ? { ...known, roomError: live.roomError } : live;
}

function withVerbs(job: JobSnapshot, handle: JobHandle | null, client: WebSocketClient): JobView {
  const nothing = (): Promise<unknown> => Promise.resolve();
  return {
    ...job,
    cancel: handle?.cancel ?? nothing,
    reset: handle?.reset ?? (() => undefined),
    retry: () => client.retry(),
  };
}

/** Calls back once for each attempt that ends while the job is watched. */
function useOnComplete(
  handle: JobHandle | null,
  onComplete: ((job: JobSnapshot) => void) | undefined,
): void {
  const latest = useLatest(onComplete);
  /** The job whose end was told: outlives the effect, which runs twice in StrictMode. */
  const ended = useRef<JobHandle | null>(null);
  useEffect(() => {
    if (!handle) return undefined;
    const check = (): void => {
      const job = handle.getSnapshot();
      if (job.isComplete && ended.current !== handle) latest.current?.(job);
      ended.current = job.isComplete ? handle : null;
    };
    const stop = handle.subscribe(check);
    check();
    return stop;
  }, [handle, latest]);
}
