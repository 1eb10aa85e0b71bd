import type { LongwireError } from "./errors.js";
import { fold, initialJob, type JobState } from "./fold.js";
import { Listeners } from "./listeners.js";
import type { Settings } from "./options.js";
import { Batch, type Readable } from "./store.js";

/** A job as its observers see it. */
export interface JobSnapshot extends JobState {
  /** Whether anything has been heard of it. */
  readonly isKnown: boolean;
  /** Why the server does not let us watch it. */
  readonly roomError: LongwireError | null;
}

/** What jobs need from their client. */
export interface JobsHost {
  readonly settings: Settings;
  isConnected(): boolean;
  job(id: string): JobHandle;
  /** Is in a room until the returned function is called, and for a linger longer. */
  hold(room: string, whenLeft?: () => void): () => void;
  /** Takes the room's log again from its start. */
  reread(room: string): void;
  cancelJob(id: string, reason?: string): Promise<unknown>;
  fetchJobs(): Promise<readonly JobState[]>;
}

function show(state: JobState, isKnown: boolean, roomError: LongwireError | null): JobSnapshot {
  return Object.freeze({ ...state, isKnown, roomError });
}

/** One watched job: the fold of what came, and the snapshot that observers were told of. */
class Watched {
  readonly listeners: Listeners = new Listeners();
  snapshot: JobSnapshot;
  /** Observers, and those who were until a moment ago. */
  holds = 0;
  roomError: LongwireError | null = null;
  #state: JobState;
  #isKnown = false;
  readonly #batch: Batch;

  constructor(
    readonly id: string,
    private readonly host: JobsHost,
  ) {
    this.#state = initialJob(id);
    this.snapshot = show(this.#state, false, null);
    this.#batch = new Batch(() => this.#publish(), host.settings.notifyInterval);
  }

  receive(event: string, data: unknown): void {
    const state = fold(this.#state, event, data, this.host.settings.outputLimit);
    if (state === this.#state) return;
    this.#state = state;
    this.#isKnown = true;
    this.#batch.request();
  }

  /** Starts over; observers go on seeing the old state until the log begins to come again. */
  reset(): void {
    this.#state = initialJob(this.id);
    this.#isKnown = false;
    this.#batch.request();
  }

  setRoomError(error: LongwireError | null): void {
    if (error === this.roomError) return;
    this.roomError = error;
    this.#batch.request();
  }

  stop(): void {
    this.#batch.cancel();
  }

  #publish(): void {
    this.snapshot = show(this.#state, this.#isKnown, this.roomError);
    this.listeners.emit();
  }
}

/** The jobs that somebody observes. */
export class WatchedJobs {
  readonly #watched = new Map<string, Watched>();

  constructor(private readonly host: JobsHost) {}

  snapshot(id: string): JobSnapshot | undefined {
    return this.#watched.get(id)?.snapshot;
  }

  /** Watches a job's room as long as somebody listens. */
  subscribe(id: string, listener: () => void): () => void {
    const watched = this.#watched.get(id) ?? this.#watch(id);
    watched.holds++;
    const remove = watched.listeners.add(listener);
    const release = this.host.hold(`job:${id}`, () => {
      if (--watched.holds === 0) this.#retire(watched);
    });
    return () => {
      remove();
      release();
    };
  }

  /** Takes an event that came by `room` (null: unknown, as from a stock server). */
  receive(event: string, data: unknown, room: string | null): void {
    const id = (data as { jobId?: unknown } | null | undefined)?.jobId;
    if (typeof id !== "string" || (room !== null && room !== `job:${id}`)) return;
    this.#watched.get(id)?.receive(event, data);
  }

  reset(room: string): void {
    this.#ofRoom(room)?.reset();
  }

  setRoomError(room: string, error: LongwireError | null): void {
    this.#ofRoom(room)?.setRoomError(error);
  }

  #ofRoom(room: string): Watched | undefined {
    return room.startsWith("job:") ? this.#watched.get(room.slice(4)) : undefined;
  }

  #watch(id: string): Watched {
    const watched = new Watched(id, this.host);
    this.#watched.set(id, watched);
    return watched;
  }

  #retire(watched: Watched): void {
    watched.stop();
    this.#watched.delete(watched.id);
  }
}

/** One job, observable. Its room is joined while somebody subscribes. */
export class JobHandle implements Readable<JobSnapshot> {
  readonly #unknown: JobSnapshot;

  constructor(
    readonly id: string,
    private readonly jobs: WatchedJobs,
    private readonly host: JobsHost,
  ) {
    this.#unknown = show(initialJob(id), false, null);
  }

  readonly getSnapshot = (): JobSnapshot => this.jobs.snapshot(this.id) ?? this.#unknown;

  readonly subscribe = (listener: () => void): (() => void) =>
    this.jobs.subscribe(this.id, listener);

  /** Asks the job to stop; resolves when the server took the request, rejects if it did not. */
  readonly cancel = (reason?: string): Promise<unknown> => this.host.cancelJob(this.id, reason);

  /** Drops what was derived and reads the job's log again. */
  readonly reset = (): void => this.host.reread(`job:${this.id}`);
}
