import type { LongwireError } from "./errors.js";
import { fold, initialJob, type JobState } from "./fold.js";
import type { Settings } from "./options.js";
import type { RoomSnapshot } from "./rooms.js";
import { BatchedStore, type Readable } from "./store.js";

/** A job as its observers see it. */
export interface JobSnapshot extends JobState {
  /** Whether anything has been heard of it. */
  readonly isKnown: boolean;
  /** Why the server does not let us watch it. */
  readonly roomError: LongwireError | null;
}

/**
 * Whether a watched job has not come as far as another reading of it: its log is told from the
 * start. An end counts whatever the clocks say.
 */
export function isBehind(live: JobSnapshot, known: JobState): boolean {
  if (!live.isKnown || live.attempt < known.attempt) return true;
  const isOlder = Number(live.updatedAt) < Number(known.updatedAt);
  return isOlder && live.attempt === known.attempt && !live.isComplete;
}

/** What jobs need from their client. */
export interface JobsHost {
  readonly settings: Settings;
  isConnected(): boolean;
  job(id: string): JobHandle;
  holdRoom(room: string): () => void;
  rereadRoom(room: string): void;
  cancelJob(id: string, reason?: string): Promise<unknown>;
  fetchJobs(): Promise<readonly JobState[]>;
}

/** A job of which nothing was heard yet. */
function unheard(id: string): JobSnapshot {
  return Object.freeze({ ...initialJob(id), isKnown: false, roomError: null });
}

/** One watched job: the fold of what came, and the store that observers look at. */
class Watched {
  readonly store: BatchedStore<JobSnapshot>;
  #job: JobSnapshot;

  constructor(
    id: string,
    private readonly settings: Settings,
  ) {
    this.#job = unheard(id);
    this.store = new BatchedStore(() => this.#job, settings.notifyInterval);
  }

  receive(event: string, data: unknown): void {
    const job = fold(this.#job, event, data, this.settings.outputLimit);
    if (job !== this.#job) this.put({ ...job, isKnown: true });
  }

  /** Starts over; observers go on seeing the old state until the log begins to come again. */
  reset(): void {
    this.put(unheard(this.#job.jobId));
  }

  put(change: Partial<JobSnapshot>): void {
    this.#job = { ...this.#job, ...change };
    this.store.invalidate();
  }
}

/** The jobs whose rooms somebody is in, by room: who looks at one later finds it whole. */
export class WatchedJobs {
  readonly #host: JobsHost;
  readonly #watched = new Map<string, Watched>();

  constructor(host: JobsHost) {
    this.#host = host;
  }

  /** What observers of a job look at, while somebody is in its room. */
  store(room: string): Readable<JobSnapshot> | undefined {
    return this.#watched.get(room)?.store;
  }

  /** Takes an event that came by `room`; where that is unknown, as on a stock server, by its id. */
  receive(event: string, data: unknown, room: string | undefined): void {
    const own = `job:${(data as { jobId?: string } | null | undefined)?.jobId ?? ""}`;
    if ((room ?? own) === own) this.#watched.get(own)?.receive(event, data);
  }

  reset(room: string): void {
    this.#watched.get(room)?.reset();
  }

  /** Starts every job over, at once. */
  forget(): void {
    for (const job of this.#watched.values()) {
      job.reset();
      job.store.flush();
    }
  }

  /** Watches from the first join to the last leave. */
  noticeRoom(room: string, { status, error }: RoomSnapshot): void {
    const watched = this.#watched.get(room);
    if (status === "left") {
      watched?.store.stop();
      this.#watched.delete(room);
    } else if (watched) watched.put({ roomError: error });
    else if (room.startsWith("job:")) {
      this.#watched.set(room, new Watched(room.slice(4), this.#host.settings));
    }
  }
}

/** One job, observable. Its room is joined while somebody subscribes. */
export class JobHandle implements Readable<JobSnapshot> {
  readonly #jobs: WatchedJobs;
  readonly #host: JobsHost;
  readonly #room: string;
  readonly #unheard: JobSnapshot;

  constructor(
    readonly id: string,
    jobs: WatchedJobs,
    host: JobsHost,
  ) {
    this.#jobs = jobs;
    this.#host = host;
    this.#room = `job:${id}`;
    this.#unheard = unheard(id);
  }

  readonly getSnapshot = (): JobSnapshot =>
    this.#jobs.store(this.#room)?.getSnapshot() ?? this.#unheard;

  readonly subscribe = (listener: () => void): (() => void) => {
    const release = this.#host.holdRoom(this.#room);
    const remove = this.#jobs.store(this.#room)?.subscribe(listener);
    return () => {
      remove?.();
      release();
    };
  };

  /** Asks the job to stop; resolves when the server took the request, rejects if it did not. */
  readonly cancel = (reason?: string): Promise<unknown> => this.#host.cancelJob(this.id, reason);

  /** Drops what was derived and reads the job's log again. */
  readonly reset = (): void => this.#host.rereadRoom(this.#room);
}
