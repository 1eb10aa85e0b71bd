import { LongwireError } from "./errors.js";
import { fold, initialJob, type JobState } from "./fold.js";
import type { JobsHost } from "./job.js";
import { Listeners } from "./listeners.js";
import { Batch, type Readable } from "./store.js";

/** The jobs of the user who is signed in. */
export interface JobsSnapshot {
  /** Newest first. */
  readonly jobs: readonly JobState[];
  /** `loading` until the list came once. */
  readonly status: "loading" | "ready";
  /** Why the list could not be fetched. */
  readonly error: Error | null;
}

/** More running jobs than this are listed, but not followed live. */
const FOLLOW_LIMIT = 50;

export const NO_JOBS: JobsSnapshot = Object.freeze({ jobs: [], status: "loading", error: null });

/**
 * Lists jobs: fetched over HTTP at each connect, joined by new ones as they are created, each
 * followed live until it is over.
 */
export class JobList implements Readable<JobsSnapshot> {
  readonly #listeners = new Listeners();
  readonly #known = new Map<string, JobState>();
  readonly #followed = new Map<string, () => void>();
  readonly #batch: Batch;
  #snapshot: JobsSnapshot = NO_JOBS;
  #status: JobsSnapshot["status"] = "loading";
  #error: Error | null = null;

  constructor(private readonly host: JobsHost) {
    this.#batch = new Batch(() => this.#refresh(), host.settings.notifyInterval);
  }

  readonly getSnapshot = (): JobsSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.ready();
    return () => {
      remove();
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  /** Connected: the list may have changed meanwhile. */
  ready(): void {
    if (this.#listeners.size > 0 && this.host.isConnected()) void this.#fetch();
  }

  /** A job was created, or began anew. */
  receiveCreated(data: { jobId: string }): void {
    if (this.#listeners.size === 0) return;
    const known = this.#known.get(data.jobId) ?? initialJob(data.jobId);
    this.#known.set(data.jobId, fold(known, "job:created", data));
    this.#batch.request();
  }

  async #fetch(): Promise<void> {
    try {
      const jobs = await this.host.fetchJobs();
      for (const job of jobs) this.#known.set(job.jobId, job);
      this.#status = "ready";
      this.#error = null;
    } catch (error) {
      this.#error = error instanceof Error ? error : new LongwireError("http", String(error));
    }
    if (this.#listeners.size > 0) this.#batch.request();
  }

  #refresh(): void {
    for (const job of this.#known.values()) this.#update(job);
    const jobs = [...this.#known.values()].sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    this.#snapshot = Object.freeze({ jobs, status: this.#status, error: this.#error });
    this.#listeners.emit();
  }

  #update(job: JobState): void {
    const { jobId } = job;
    const live = this.host.job(jobId).getSnapshot();
    const state = live.isKnown ? live : job;
    this.#known.set(jobId, state);
    if (state.isComplete) {
      this.#followed.get(jobId)?.();
      this.#followed.delete(jobId);
    } else if (!this.#followed.has(jobId) && this.#followed.size < FOLLOW_LIMIT) {
      const stop = this.host.job(jobId).subscribe(() => this.#batch.request());
      this.#followed.set(jobId, stop);
    }
  }

  #stop(): void {
    this.#batch.cancel();
    for (const stop of this.#followed.values()) stop();
    this.#followed.clear();
  }
}
