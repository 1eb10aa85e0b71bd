import type { JobCreatedEvent } from "./contract.js";
import { fold, initialJob, type JobState } from "./fold.js";
import { isBehind, type JobsHost } from "./job.js";
import { BatchedStore, type Readable } from "./store.js";

/** The jobs of the user who is signed in. */
export interface JobsSnapshot {
  /** Newest first. */
  readonly jobs: readonly JobState[];
  /** `loading` until the list came once. */
  readonly status: "loading" | "ready";
  /** Why the list could not be fetched. */
  readonly error: Error | null;
}

const LOADING: Omit<JobsSnapshot, "jobs"> = { status: "loading", error: null };

/** More running jobs than this are listed, but not followed live. */
const FOLLOW_LIMIT = 50;

/**
 * Lists jobs: fetched over HTTP at each connect, joined by new ones as they are created, each
 * followed live until it is over.
 */
export class JobList implements Readable<JobsSnapshot> {
  readonly #host: JobsHost;
  readonly #known = new Map<string, JobState>();
  readonly #followed = new Map<string, () => void>();
  readonly #store: BatchedStore<JobsSnapshot>;
  #fetched = LOADING;
  /** Names the last fetch. */
  #ticket = 0;

  constructor(host: JobsHost) {
    this.#host = host;
    this.#store = new BatchedStore(() => this.#compute(), host.settings.notifyInterval);
  }

  readonly getSnapshot = (): JobsSnapshot => this.#store.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => {
    const isFirst = !this.#store.isHeard;
    const remove = this.#store.subscribe(listener);
    if (isFirst) this.ready();
    return () => {
      remove();
      if (!this.#store.isHeard) this.#stop();
    };
  };

  /** A job was created, or began anew; or a room that we joined tells its history. */
  receiveCreated(data: JobCreatedEvent): void {
    const { jobId, attempt, timestamp } = data;
    const known = this.#known.get(jobId) ?? initialJob(jobId);
    if (attempt <= known.attempt && timestamp <= Number(known.updatedAt)) return;
    this.#known.set(jobId, fold(known, "job:created", data));
    this.#invalidate();
  }

  /** Computes anew, unless nobody looks, or the list is about to come whole. */
  #invalidate(): void {
    if (this.#store.isHeard && this.#fetched !== LOADING) this.#store.invalidate();
  }

  /** Connected, or signed in anew: the list may have changed meanwhile. */
  ready(): void {
    if (this.#store.isHeard && this.#host.isConnected()) void this.#fetch();
  }

  /** Another user's list begins. */
  forget(): void {
    this.#ticket++;
    this.#known.clear();
    this.#fetched = LOADING;
    this.#store.flush();
  }

  async #fetch(): Promise<void> {
    const ticket = ++this.#ticket;
    // What is not listed any more is gone, or another user's; what was created meanwhile is neither.
    const before = [...this.#known.keys()];
    try {
      const jobs = await this.#host.fetchJobs();
      // What was asked for later is another user's, or newer.
      if (ticket !== this.#ticket) return;
      for (const id of before) this.#known.delete(id);
      for (const job of jobs) this.#known.set(job.jobId, job);
      this.#fetched = { status: "ready", error: null };
    } catch (error) {
      if (ticket !== this.#ticket) return;
      this.#fetched = { ...this.#fetched, error: error as Error };
    }
    this.#invalidate();
  }

  #compute(): JobsSnapshot {
    for (const job of this.#known.values()) this.#follow(job);
    for (const id of this.#followed.keys()) if (!this.#known.has(id)) this.#unfollow(id);
    const jobs = [...this.#known.values()];
    jobs.sort((a, b) => Number(b.createdAt) - Number(a.createdAt));
    return { jobs, ...this.#fetched };
  }

  /** Takes the live state of a job, and watches it until it is over. */
  #follow(listed: JobState): void {
    const job = this.#host.job(listed.jobId);
    const live = job.getSnapshot();
    const { id } = job;
    const state = isBehind(live, listed) ? listed : live;
    this.#known.set(id, state);
    if (state.isComplete) this.#unfollow(id);
    else if (!this.#followed.has(id) && this.#followed.size < FOLLOW_LIMIT) {
      this.#followed.set(
        id,
        job.subscribe(() => this.#store.invalidate()),
      );
    }
  }

  #unfollow(id: string): void {
    this.#followed.get(id)?.();
    this.#followed.delete(id);
  }

  #stop(): void {
    this.#store.stop();
    for (const id of this.#followed.keys()) this.#unfollow(id);
  }
}
