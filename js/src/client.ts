import { Connection, type ConnectionSnapshot, type Refusal } from "./connection.js";
import type {
  ClientToServerEvents,
  ConnectionState,
  Draft,
  JobCancelEvent,
  JobCreatedEvent,
  ServerToClientEvents,
} from "./contract.js";
import { LongwireError } from "./errors.js";
import type { JobState } from "./fold.js";
import { JobHandle, type JobsHost, WatchedJobs } from "./job.js";
import { JobList } from "./jobs.js";
import { Listeners } from "./listeners.js";
import {
  type ClientConfig,
  type ClientOptions,
  type Settings,
  settle,
  type TokenSource,
} from "./options.js";
import { type RoomError, type RoomReset, type RoomSnapshot, Rooms } from "./rooms.js";
import type { Readable } from "./store.js";
import {
  type CallResult,
  type EmitArgs,
  type EventMap,
  type Incoming,
  type Outgoing,
  parseCoverage,
} from "./wire.js";

type AnyListener = (...args: unknown[]) => void;

/**
 * A typed client of a Longwire server, or of any Socket.IO server.
 *
 * Everything may be called at any time: handlers and rooms outlive connections, what is emitted
 * offline is sent in order when connected, and each joined room goes on exactly where it was.
 *
 * @typeParam L events that `on` hears; by default those of the contract.
 * @typeParam E events that `emit` and `call` send.
 */
export class WebSocketClient<
  L extends EventMap<L> = ServerToClientEvents,
  E extends EventMap<E> = ClientToServerEvents,
> implements JobsHost
{
  /** The options in force. */
  readonly settings: Settings;
  /** State, error, attempts, latency: observable. */
  readonly connection: Readable<ConnectionSnapshot>;
  readonly #connection: Connection;
  readonly #rooms: Rooms;
  readonly #watched: WatchedJobs;
  readonly #jobList: JobList;
  readonly #handlers = new Map<string, Listeners<unknown[]>>();
  #userId: string | null = null;
  #outbox: [event: string, ...args: unknown[]][] = [];
  #holders = 0;
  #isOpenedByHolders = false;

  constructor(config: ClientConfig) {
    const settings = (this.settings = settle(config));
    this.#connection = new Connection(
      settings,
      {
        resume: (granted) => this.#rooms.resume(settings.positions ? granted : []),
        ready: () => {
          for (const message of this.#outbox.splice(0)) this.#connection.send(...message);
        },
        down: () => this.#rooms.down(),
        receive: (event, args) => this.#receive(event, args),
      },
      config.token,
    );
    this.connection = this.#connection.status;
    this.#rooms = new Rooms(this.#connection, settings.joinTimeout);
    this.#watched = new WatchedJobs(this);
    this.#jobList = new JobList(this);
    this.#rooms.resets.add((room) => this.#watched.reset(room));
    this.#rooms.changes.add((room) => this.#noticeRoom(room));
    this.connection.subscribe(() => this.#noticeUser());
    if (config.autoConnect) this.connect().catch(ignore);
  }

  /**
   * Connects, or signs in anew in place if connected and the token is another.
   *
   * Resolves when signed in with every joined room resumed. Keeps trying through network errors;
   * rejects with a `LongwireError` when the server refuses, or when `disconnect` comes first.
   * While connected it resolves at once: what becomes of another token is told by `connection`.
   */
  connect(token?: TokenSource): Promise<void> {
    if (token !== undefined) this.setToken(token);
    return this.#connection.open();
  }

  /** Ends the connection. Handlers, rooms and positions stay for the next `connect`. */
  disconnect(): void {
    this.#outbox = [];
    this.#isOpenedByHolders = false;
    this.#connection.close();
  }

  /** Tries now: at once instead of later while reconnecting, anew after an error or a refusal. */
  retry(): void {
    this.#connection.retry();
    this.#rooms.retry();
  }

  /**
   * Changes who signs in. A new token of the same user is taken in place, without a reconnect;
   * another user connects anew, and finds nothing of what the last one heard. `null` signs out:
   * disconnects and forgets all that was heard and not yet sent. Rooms and handlers stay.
   */
  setToken(token: TokenSource | null): void {
    this.#connection.setToken(token);
  }

  /**
   * Is connected until the returned function is called, and a moment longer, so that a component
   * that is mounted anew finds the same connection. A connection opened by `connect` stays.
   */
  retain(): () => void {
    this.#holders++;
    if (this.getState() === "disconnected") {
      this.#isOpenedByHolders = true;
      this.connect().catch(ignore);
    }
    return this.#afterLinger(() => {
      if (--this.#holders === 0 && this.#isOpenedByHolders) this.disconnect();
    });
  }

  /**
   * Joins a room now, or as soon as there is a connection; counted, so leave as often as joined.
   * Sends the room's retained events first, unless `from` is `"now"`. A refusal is told by the
   * event `room_error` and by `room(name)`.
   */
  joinRoom(room: string, options?: { from?: "now" }): void {
    this.#rooms.join(room, options?.from);
  }

  leaveRoom(room: string): void {
    this.#rooms.leave(room);
  }

  /** Joins a room until the returned function is called, and a moment longer. */
  holdRoom(room: string): () => void {
    this.joinRoom(room);
    return this.#afterLinger(() => this.leaveRoom(room));
  }

  /** Takes a joined room's log again from its start. */
  rereadRoom(room: string): void {
    this.#rooms.reread(room);
  }

  /** Whether we are in a room, observable. Observing it does not join it. */
  room(name: string): Readable<RoomSnapshot> {
    return {
      getSnapshot: () => this.#rooms.snapshot(name),
      subscribe: (listener) =>
        this.#rooms.changes.add((room) => {
          if (room === name) listener();
        }),
    };
  }

  /** Calls the handler for each such event, across reconnects, until the returned function is called. */
  on<K extends keyof Incoming<L> & string>(event: K, handler: Incoming<L>[K]): () => void {
    let listeners = this.#handlers.get(event);
    if (!listeners) this.#handlers.set(event, (listeners = new Listeners()));
    return listeners.add(handler as AnyListener);
  }

  /**
   * Sends an event; while offline it is kept and sent in order when connected.
   *
   * @throws LongwireError `outbox_full`
   * @throws TypeError for what is no JSON: at once, also while offline
   */
  emit<K extends keyof Outgoing<E> & string>(event: K, ...args: EmitArgs<Outgoing<E>[K]>): void {
    const argument = args[0] as string;
    if (event === "auth") this.setToken(argument);
    else if (event === "join_room") this.joinRoom(argument);
    else if (event === "leave_room") this.leaveRoom(argument);
    else if (this.isConnected()) this.#connection.send(event, ...(args as unknown[]));
    else this.#keep(event, args);
  }

  /**
   * Sends an event and resolves with the server's answer; waits for a connection if there is none.
   * Rejects with the connection's own error once that was refused or given up, with `timeout`, or
   * with `disconnected` if the connection was cut before the answer, in which case the request may
   * or may not have been carried out.
   */
  async call<K extends keyof E & string>(
    event: K,
    ...args: EmitArgs<E[K]>
  ): Promise<CallResult<E[K]>> {
    const { state, error } = this.connection.getSnapshot();
    if (state === "error") throw error as Error;
    const deadline = Date.now() + this.settings.callTimeout;
    await this.#connection.whenReady(this.settings.callTimeout);
    try {
      const request = this.#connection.request(
        deadline - Date.now(),
        event,
        ...(args as unknown[]),
      );
      return (await request) as CallResult<E[K]>;
    } catch (cause) {
      const code = this.isConnected() ? "timeout" : "disconnected";
      throw new LongwireError(code, `No answer to ${event}.`, { cause });
    }
  }

  getState(): ConnectionState {
    return this.#connection.state;
  }

  /** Signed in, with every joined room resumed. */
  isConnected(): boolean {
    return this.getState() === "connected";
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    let last = this.getState();
    return this.connection.subscribe(() => {
      const state = this.getState();
      if (state === last) return;
      last = state;
      listener(state);
    });
  }

  /** A job, observable; its room is joined while somebody subscribes. */
  job(id: string): JobHandle {
    return new JobHandle(id, this.#watched, this);
  }

  /** The signed-in user's jobs, observable. */
  jobs(): JobList {
    return this.#jobList;
  }

  /** A function that undoes something once, a moment after it is called. */
  #afterLinger(undo: () => void): () => void {
    let isDone = false;
    return () => {
      if (!isDone) setTimeout(undo, this.settings.linger);
      isDone = true;
    };
  }

  /** Asks a job to stop; resolves when the server took the request, rejects if it did not. */
  async cancelJob(jobId: string, reason?: string): Promise<unknown> {
    const request = { jobId, reason } as Draft<JobCancelEvent>;
    // A stock server answers what it likes.
    const client = this as unknown as WebSocketClient;
    const answer = (await client.call("job:cancel", request)) as Refusal | null;
    if (answer?.error) throw new LongwireError(answer.error.code, answer.error.message);
    return answer;
  }

  /** The signed-in user's jobs, over HTTP. */
  async fetchJobs(): Promise<readonly JobState[]> {
    const token = await this.#connection.token();
    const headers: HeadersInit = token ? { authorization: `Bearer ${token}` } : {};
    const response = await fetch(`${this.settings.apiUrl}/jobs`, { headers });
    if (!response.ok) throw new LongwireError("http", `HTTP ${response.status}`);
    return ((await response.json()) as { jobs: readonly JobState[] }).jobs;
  }

  #receive(event: string, args: unknown[]): void {
    // A logged event is one object and its place; what a stock server says may only look so.
    const coverage = typeof args[0] === "object" ? parseCoverage(args[1]) : null;
    if (coverage) {
      if (!this.#rooms.admit(coverage)) return;
      args = [args[0]];
    }
    this.#watched.receive(event, args[0], coverage?.room);
    // Another user may have signed in in place.
    if (event === "connect" || event === "authenticated") this.#jobList.ready();
    if (event === "job:created") this.#jobList.receiveCreated(...(args as [JobCreatedEvent]));
    if (event === "room_reset") this.#rooms.receiveReset(...(args as [RoomReset]));
    if (event === "room_error") this.#rooms.receiveError(...(args as [RoomError]));
    else this.#dispatch(event, args);
  }

  /** Nothing of one user is left to the next. */
  #noticeUser(): void {
    const before = this.#userId;
    this.#userId = this.connection.getSnapshot().userId;
    if (before === null || before === this.#userId) return;
    this.#outbox = [];
    this.#rooms.forget();
    this.#watched.forget();
    this.#jobList.forget();
  }

  #noticeRoom(room: string): void {
    const snapshot = this.#rooms.snapshot(room);
    this.#watched.noticeRoom(room, snapshot);
    if (snapshot.error) this.#dispatch("room_error", [{ room, error: snapshot.error }]);
  }

  #dispatch(event: string, args: unknown[]): void {
    this.#handlers.get(event)?.emit(...args);
  }

  #keep(event: string, args: unknown[]): void {
    // Throws now what would be thrown when it is sent, where nobody could hear of it.
    JSON.stringify(args);
    if (this.#outbox.length >= this.settings.outboxLimit) {
      throw new LongwireError("outbox_full", "Outbox full.");
    }
    this.#outbox.push([event, ...args]);
  }
}

const ignore = (): void => undefined;

/** Creates a client; it connects when told to. */
export function createClient<
  L extends EventMap<L> = ServerToClientEvents,
  E extends EventMap<E> = ClientToServerEvents,
>(url?: string, options: ClientOptions = {}): WebSocketClient<L, E> {
  return new WebSocketClient<L, E>({ ...options, url });
}
