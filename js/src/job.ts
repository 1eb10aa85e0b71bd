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

/** One watched job: the fold of what came, and the store that observers look at. */
class Watched {
  readonly store: BatchedStore<JobSnapshot>;
  #state: JobState;
  #isKnown = false;
  #roomError: LongwireError | null = null;

  constructor(
    readonly id: string,
    private readonly settings: Settings,
  ) {
    this.#state = initialJob(id);
    this.store = new BatchedStore(
      () => ({ ...this.#state, isKnown: this.#isKnown, roomError: this.#roomError }),
      settings.notifyInterval,
    );
  }

  receive(event: string, data: unknown): void {
    const state = fold(this.#state, event, data, this.settings.outputLimit);
    if (state === this.#state) return;
    this.#state = state;
    this.#isKnown = true;
    this.store.invalidate();
  }

  /** Starts over; observers go on seeing the old state until the log begins to come again. */
  reset(): void {
    this.#state = initialJob(this.id);
    this.#isKnown = false;
    this.store.invalidate();
  }

  setRoomError(error: LongwireError | null): void {
    this.#roomError = error;
    this.store.invalidate();
  }
}

/** The jobs whose rooms somebody is in, by room: who looks at one later finds it whole. */
export class WatchedJobs {
  readonly #watched = new Map<string, Watched>();

  constructor(private readonly host: JobsHost) {}

  snapshot(id: string): JobSnapshot | undefined {
    return this.#watched.get(`job:${id}`)?.store.getSnapshot();
  }

  /** Is in a job's room as long as somebody listens. */
  subscribe(id: string, listener: () => void): () => void {
    const room = `job:${id}`;
    const release = this.host.holdRoom(room);
    const remove = this.#watched.get(room)?.store.subscribe(listener);
    return () => {
      remove?.();
      release();
    };
  }

  /** Takes an event that came by `room`; where that is unknown, as on a stock server, by its id. */
  receive(event: string, data: unknown, room: string | undefined): void {
    const own = `job:${(data as { jobId?: string } | null | undefined)?.jobId ?? ""}`;
    if ((room ?? own) === own) this.#watched.get(own)?.receive(event, data);
  }

  reset(room: string): void {
    this.#watched.get(room)?.reset();
  }

  /** Watches from the first join to the last leave. */
  noticeRoom(room: string, { status, error }: RoomSnapshot): void {
    const watched = this.#watched.get(room);
    if (status === "left") {
      watched?.store.stop();
      this.#watched.delete(room);
    } else if (watched) watched.setRoomError(error);
    else if (room.startsWith("job:")) {
      this.#watched.set(room, new Watched(room.slice(4), this.host.settings));
    }
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
    this.#unknown = Object.freeze({ ...initialJob(id), isKnown: false, roomError: null });
  }

  readonly getSnapshot = (): JobSnapshot => this.jobs.snapshot(this.id) ?? this.#unknown;

  readonly subscribe = (listener: () => void): (() => void) =>
    this.jobs.subscribe(this.id, listener);

  /** Asks the job to stop; resolves when the server took the request, rejects if it did not. */
  readonly cancel = (reason?: string): Promise<unknown> => this.host.cancelJob(this.id, reason);

  /** Drops what was derived and reads the job's log again. */
  readonly reset = (): void => this.host.rereadRoom(`job:${this.id}`);
}
