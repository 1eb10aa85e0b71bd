import type { JobCreatedEvent } from "./contract.js";
import { fold, initialJob, type JobState } from "./fold.js";
import { isBehind, type TrackerHost } from "./jobTracker.js";
import { BatchedStore, type Readable } from "./store.js";

/** The jobs of the signed-in user. */
export interface JobsSnapshot {
  /** Newest first. */
  readonly jobs: readonly JobState[];
  /** `loading` until the list has been fetched once. */
  readonly status: "loading" | "ready";
  /** Why the last fetch failed. */
  readonly error: Error | null;
}

const LOADING: Omit<JobsSnapshot, "jobs"> = { status: "loading", error: null };

/** How many jobs are tracked live at the same time; others are listed as fetched. */
const TRACKED_LIMIT = 50;

/**
 * The list of a user's jobs: fetched over HTTP at each connect, extended when a job is created. The
 * jobs that have not ended are tracked live.
 */
export class JobList implements Readable<JobsSnapshot> {
  readonly #host: TrackerHost;
  readonly #jobs = new Map<string, JobState>();
  readonly #tracked = new Map<string, () => void>();
  readonly #store: BatchedStore<JobsSnapshot>;
  #fetched = LOADING;
  /** Identifies the last fetch: the answers to earlier ones are ignored. */
  #fetchId = 0;

  /** @internal Use `client.jobs()`. */
  constructor(host: TrackerHost) {
    this.#host = host;
    this.#store = new BatchedStore(() => this.#compute(), host.settings.notifyInterval);
  }

  /** Returns the list; the same frozen object until it changes. */
  readonly getSnapshot = (): JobsSnapshot => this.#store.getSnapshot();

  /** Fetches and tracks the jobs, and calls the listener after each change; returns a function that stops it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const isFirst = !this.#store.hasListeners;
    const remove = this.#store.subscribe(listener);
    if (isFirst) this.refresh();
    return () => {
      remove();
      if (!this.#store.hasListeners) this.#stop();
    };
  };

  /**
   * Handles a `job:created`, which also arrives when a job's log is replayed.
   *
   * @internal
   */
  receiveCreated(data: JobCreatedEvent): void {
    const { jobId, attempt, timestamp } = data;
    const known = this.#jobs.get(jobId) ?? initialJob(jobId);
    if (attempt <= known.attempt && timestamp <= Number(known.updatedAt)) return;
    this.#jobs.set(jobId, fold(known, "job:created", data));
    this.#invalidate();
  }

  /**
   * Fetches the list if it is observed: jobs may have changed while disconnected.
   *
   * @internal
   */
  refresh(): void {
    if (this.#store.hasListeners && this.#host.isConnected()) void this.#fetch();
  }

  /**
   * Discards the list when another user signs in.
   *
   * @internal
   */
  forget(): void {
    this.#fetchId++;
    this.#jobs.clear();
    this.#fetched = LOADING;
    this.#store.flush();
  }

  /** Schedules a notification, unless the first fetch will cause one. */
  #invalidate(): void {
    if (this.#store.hasListeners && this.#fetched !== LOADING) this.#store.invalidate();
  }

  async #fetch(): Promise<void> {
    const fetchId = ++this.#fetchId;
    // Jobs known before and missing from the answer are gone, or another user's. Jobs created while
    // the request was under way may be missing, too, but stay.
    const before = [...this.#jobs.keys()];
    try {
      const jobs = await this.#host.fetchJobs();
      if (fetchId !== this.#fetchId) return;
      for (const id of before) this.#jobs.delete(id);
      for (const job of jobs) this.#jobs.set(job.jobId, job);
      this.#fetched = { status: "ready", error: null };
    } catch (error) {
      if (fetchId !== this.#fetchId) return;
      this.#fetched = { ...this.#fetched, error: error as Error };
    }
    this.#invalidate();
  }

  #compute(): JobsSnapshot {
    for (const job of this.#jobs.values()) this.#track(job);
    for (const id of this.#tracked.keys()) if (!this.#jobs.has(id)) this.#untrack(id);
    const jobs = [...this.#jobs.values()];
    jobs.sort((a, b) => Number(b.createdAt) - Number(a.createdAt));
    return { jobs, ...this.#fetched };
  }

  /** Replaces a listed state by the live one, and tracks the job until it ends. */
  #track(listed: JobState): void {
    const tracker = this.#host.job(listed.jobId);
    const live = tracker.getSnapshot();
    const { id } = tracker;
    const state = isBehind(live, listed) ? listed : live;
    this.#jobs.set(id, state);
    if (state.isComplete) this.#untrack(id);
    else if (!this.#tracked.has(id) && this.#tracked.size < TRACKED_LIMIT) {
      this.#tracked.set(
        id,
        tracker.subscribe(() => this.#store.invalidate()),
      );
    }
  }

  #untrack(id: string): void {
    this.#tracked.get(id)?.();
    this.#tracked.delete(id);
  }

  #stop(): void {
    this.#store.stop();
    for (const id of this.#tracked.keys()) this.#untrack(id);
  }
}
