import type { LongwireError } from "./errors.js";
import { fold, initialJob, type JobState } from "./fold.js";
import type { Settings } from "./options.js";
import type { RoomSnapshot } from "./rooms.js";
import { BatchedStore, type Readable } from "./store.js";

/** A job's state with what its observers need to know about its room. */
export interface JobSnapshot extends JobState {
  /** Whether an event of the job has been received. */
  readonly isKnown: boolean;
  /** Why the server denied the job's room. */
  readonly roomError: LongwireError | null;
}

/**
 * Returns whether a live state lags behind another reading of the same job, as it does while the
 * job's log is replayed. A live end always counts: clocks of different workers may disagree.
 */
export function isBehind(live: JobSnapshot, known: JobState): boolean {
  if (!live.isKnown || live.attempt < known.attempt) return true;
  const isOlder = Number(live.updatedAt) < Number(known.updatedAt);
  return isOlder && live.attempt === known.attempt && !live.isComplete;
}

/** The part of a client that job trackers and the job list use. */
export interface TrackerHost {
  readonly settings: Settings;
  isConnected(): boolean;
  job(id: string): JobTracker;
  holdRoom(room: string): () => void;
  rereadRoom(room: string): void;
  cancelJob(id: string, reason?: string): Promise<unknown>;
  fetchJobs(): Promise<readonly JobState[]>;
}

function unknownJob(id: string): JobSnapshot {
  return Object.freeze({ ...initialJob(id), isKnown: false, roomError: null });
}

/** A tracked job: the fold of the events received so far, and the store that observers read. */
class JobEntry {
  readonly store: BatchedStore<JobSnapshot>;
  readonly #outputLimit: number;
  #job: JobSnapshot;

  constructor(id: string, { notifyInterval, outputLimit }: Settings) {
    this.#job = unknownJob(id);
    this.#outputLimit = outputLimit;
    this.store = new BatchedStore(() => this.#job, notifyInterval);
  }

  receive(event: string, data: unknown): void {
    const job = fold(this.#job, event, data, this.#outputLimit);
    if (job !== this.#job) this.update({ ...job, isKnown: true });
  }

  /** Starts over. Observers keep the old state until the next notification. */
  reset(): void {
    this.update(unknownJob(this.#job.jobId));
  }

  update(change: Partial<JobSnapshot>): void {
    this.#job = { ...this.#job, ...change };
    this.store.invalidate();
  }
}

/** The jobs whose rooms the client has joined. All trackers of a job share its entry. */
export class TrackedJobs {
  readonly #host: TrackerHost;
  readonly #entries = new Map<string, JobEntry>();

  constructor(host: TrackerHost) {
    this.#host = host;
  }

  /** Returns the store of the job with this room; undefined unless the room is joined. */
  store(room: string): Readable<JobSnapshot> | undefined {
    return this.#entries.get(room)?.store;
  }

  /** Handles an event of a room. A stock server names no room; then the job's id decides. */
  receive(event: string, data: unknown, room: string | undefined): void {
    const own = `job:${(data as { jobId?: string } | null | undefined)?.jobId ?? ""}`;
    if ((room ?? own) === own) this.#entries.get(own)?.receive(event, data);
  }

  reset(room: string): void {
    this.#entries.get(room)?.reset();
  }

  /** Resets every job and notifies observers immediately. */
  forget(): void {
    for (const job of this.#entries.values()) {
      job.reset();
      job.store.flush();
    }
  }

  /** Adds a job when its room is joined, removes it when the room is left. */
  receiveRoomChange(room: string, { status, error }: RoomSnapshot): void {
    const entry = this.#entries.get(room);
    if (status === null) {
      entry?.store.stop();
      this.#entries.delete(room);
    } else if (entry) entry.update({ roomError: error });
    else if (room.startsWith("job:")) {
      this.#entries.set(room, new JobEntry(room.slice(4), this.#host.settings));
    }
  }
}

/** Tracks one job. Its room is joined while there are subscribers. */
export class JobTracker implements Readable<JobSnapshot> {
  /** The job's id. */
  readonly id: string;
  readonly #jobs: TrackedJobs;
  readonly #host: TrackerHost;
  readonly #room: string;
  readonly #unknown: JobSnapshot;

  /** @internal Use `client.job(id)`. */
  constructor(id: string, jobs: TrackedJobs, host: TrackerHost) {
    this.id = id;
    this.#jobs = jobs;
    this.#host = host;
    this.#room = `job:${id}`;
    this.#unknown = unknownJob(id);
  }

  /** Returns the job's state; the same frozen object until it changes. */
  readonly getSnapshot = (): JobSnapshot =>
    this.#jobs.store(this.#room)?.getSnapshot() ?? this.#unknown;

  /** Joins the job's room and calls the listener after each change; returns a function that stops both. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const release = this.#host.holdRoom(this.#room);
    const remove = this.#jobs.store(this.#room)?.subscribe(listener);
    return () => {
      remove?.();
      release();
    };
  };

  /** Asks the job to stop; rejects if the server does not accept the request. */
  readonly cancel = (reason?: string): Promise<unknown> => this.#host.cancelJob(this.id, reason);

  /** Discards the derived state and reads the job's log again. */
  readonly reset = (): void => this.#host.rereadRoom(this.#room);
}
