import { Connection, type ConnectionSnapshot, type ErrorAck } from "./connection.js";
import type {
  ConnectionState,
  Draft,
  JobCancelEvent,
  JobCreatedEvent,
  Position,
  RoomError,
  RoomReset,
} from "./contract.js";
import { LongwireError } from "./errors.js";
import type { JobState } from "./fold.js";
import { JobList } from "./jobList.js";
import { JobTracker, TrackedJobs, type TrackerHost } from "./jobTracker.js";
import { Listeners } from "./listeners.js";
import {
  type ClientConfig,
  type ClientOptions,
  type Settings,
  type TokenSource,
  withDefaults,
} from "./options.js";
import { newId, type PublishOptions, publish } from "./publisher.js";
import type { ReceivedEvents, SentEvents } from "./registration.js";
import { type RoomFollower, type RoomSnapshot, Rooms } from "./rooms.js";
import type { Readable } from "./store.js";
import {
  type CallResult,
  type EmitArgs,
  type EventMap,
  type Incoming,
  type Outgoing,
  type Publishable,
  parseCoverage,
} from "./types.js";

/** The counters of a client; see {@link WebSocketClient.getCounters}. */
export interface ClientCounters {
  /** `websocket` or `polling`; null while not connected. */
  readonly transport: string | null;
  /** How often a room continued at its position after a reconnect. */
  readonly resumed: number;
  /** How often a room's log had to be read again from its start. */
  readonly reset: number;
  /** Events that wait to be sent. */
  readonly unsent: number;
}

type AnyListener = (...args: unknown[]) => void;

/**
 * A typed client of a Longwire server, or of any Socket.IO server.
 *
 * Every method may be called at any time. Handlers and rooms outlive connections, events emitted
 * offline are sent in order once connected, and each joined room resumes after its last event.
 *
 * @typeParam L events that `on` accepts; by default those of the registered contract, else of the catalog.
 * @typeParam E events that `emit` and `call` accept.
 */
export class WebSocketClient<
  L extends EventMap<L> = ReceivedEvents,
  E extends EventMap<E> = SentEvents,
> implements TrackerHost
{
  /** The options in force. */
  readonly settings: Settings;
  /** The connection's state, error, attempts and latency; observable. */
  readonly connection: Readable<ConnectionSnapshot>;
  readonly #connection: Connection;
  readonly #rooms: Rooms;
  readonly #trackedJobs: TrackedJobs;
  readonly #jobList: JobList;
  readonly #handlers = new Map<string, Listeners<unknown[]>>();
  #userId: string | null = null;
  #outbox: [event: string, ...args: unknown[]][] = [];
  #holders = 0;
  /** Whether `retain` opened the connection, so that its last holder closes it. */
  #isOpenedByHolders = false;

  constructor(config: ClientConfig) {
    const settings = withDefaults(config);
    this.settings = settings;
    this.#connection = new Connection(
      settings,
      {
        onSignedIn: (granted) => this.#rooms.resume(settings.positions ? granted : []),
        onReady: () => {
          for (const message of this.#outbox.splice(0)) this.#connection.send(...message);
        },
        onDown: () => this.#rooms.suspend(),
        onEvent: (event, args) => this.#receive(event, args),
      },
      config.token,
    );
    this.connection = this.#connection.status;
    this.#rooms = new Rooms(this.#connection, settings);
    this.#trackedJobs = new TrackedJobs(this);
    this.#jobList = new JobList(this);
    this.#rooms.resets.add((room) => this.#trackedJobs.reset(room));
    this.#rooms.changes.add((room) => this.#handleRoomChange(room));
    this.connection.subscribe(() => this.#handleUserChange());
    if (config.autoConnect) this.connect().catch(ignore);
  }

  /**
   * Connects. With another token while connected, renews the sign-in instead.
   *
   * Resolves when signed in with every joined room resumed, at once if that is so already. Rejects
   * with a `LongwireError` if the server rejects the client, if `disconnect` is called first, or if
   * there is no connection within the option `timeout` (`unreachable` or `timeout`); in the last
   * case the client keeps trying, and `connection` reports the outcome, as it does of a renewal.
   */
  connect(token?: TokenSource): Promise<void> {
    if (token !== undefined) this.setToken(token);
    return this.#connection.open();
  }

  /** Closes the connection. Handlers, rooms and positions remain for the next `connect`. */
  disconnect(): void {
    this.#outbox = [];
    this.#isOpenedByHolders = false;
    this.#connection.close();
  }

  /** Reconnects without further delay, connects again after an error, and retries denied rooms. */
  retry(): void {
    this.#connection.retry();
    this.#rooms.retry();
  }

  /**
   * Replaces the token. A token of the same user takes effect without a reconnect; another user's
   * opens a new connection and discards all state of the previous user. `null` signs out:
   * disconnects, and discards received state and unsent events. Rooms and handlers remain.
   */
  setToken(token: TokenSource | null): void {
    this.#connection.setToken(token);
  }

  /**
   * Keeps the client connected until the returned function is called, and `linger` longer, so that
   * a component that remounts finds the same connection. Does not close a connection that
   * `connect` opened.
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
   * Joins a room, or queues the join until connected. Joins are counted: call `leaveRoom` as often.
   *
   * The server replays the room's retained events first, unless `from` is `"now"`. A rejected join
   * is reported by the event `room_error` and by `room(name)`.
   */
  joinRoom(room: string, options?: { from?: "now" }): void {
    this.#rooms.join(room, options?.from);
  }

  /** Takes back one `joinRoom`; the last one leaves the room. */
  leaveRoom(room: string): void {
    this.#rooms.leave(room);
  }

  /** Joins a room until the returned function is called, and `linger` longer. */
  holdRoom(room: string): () => void {
    this.joinRoom(room);
    return this.#afterLinger(() => this.leaveRoom(room));
  }

  /** Requests the whole log of a joined room again. */
  rereadRoom(room: string): void {
    this.#rooms.reread(room);
  }

  /**
   * Calls back for the entries of a room's log with their positions, until the returned function is
   * called. Following a room does not join it.
   */
  followRoom(room: string, follower: RoomFollower): () => void {
    return this.#rooms.follow(room, follower);
  }

  /**
   * Requests the retained entries of a joined room again for its followers. Handlers of `on`
   * do not receive the entries again that they have received.
   */
  replayRoom(room: string): void {
    this.#rooms.replay(room);
  }

  /** Returns the state of a room, observable. Observing a room does not join it. */
  room(name: string): Readable<RoomSnapshot> {
    return {
      getSnapshot: () => this.#rooms.snapshot(name),
      subscribe: (listener) =>
        this.#rooms.changes.add((room) => {
          if (room === name) listener();
        }),
    };
  }

  /** Calls the handler for each event of this name, across reconnects; returns a function that removes it. */
  on<K extends keyof Incoming<L> & string>(event: K, handler: Incoming<L>[K]): () => void {
    let listeners = this.#handlers.get(event);
    if (!listeners) {
      listeners = new Listeners();
      this.#handlers.set(event, listeners);
    }
    return listeners.add(handler as AnyListener);
  }

  /**
   * Sends an event, or queues it until connected.
   *
   * @throws LongwireError `outbox_full` if `outboxLimit` events are queued.
   * @throws TypeError if an argument cannot be serialized as JSON.
   */
  emit<K extends keyof Outgoing<E> & string>(event: K, ...args: EmitArgs<Outgoing<E>[K]>): void {
    const argument = args[0] as string;
    if (event === "auth") this.setToken(argument);
    else if (event === "join_room") this.joinRoom(argument);
    else if (event === "leave_room") this.leaveRoom(argument);
    else if (this.isConnected()) this.#connection.send(event, ...(args as unknown[]));
    else this.#queue(event, args);
  }

  /**
   * Sends an event and resolves with the server's acknowledgement. Waits for a connection.
   *
   * Rejects with the connection's error if the client has given up, with `timeout` after
   * `callTimeout`, and with `disconnected` if the connection is lost before the acknowledgement.
   * The server may have handled the event in the last two cases.
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
      const timeout = deadline - Date.now();
      const answer = await this.#connection.request(timeout, event, ...(args as unknown[]));
      return answer as CallResult<E[K]>;
    } catch (cause) {
      const code = this.isConnected() ? "timeout" : "disconnected";
      throw new LongwireError(code, `No answer to ${event}.`, { cause });
    }
  }

  /**
   * Publishes an event and resolves with its position in the room's log. Waits for a connection,
   * and sends the event again over the next one if the connection is lost: its id makes that safe.
   *
   * The server has to allow it: by default only tokens with the scope `service` may publish.
   * Rejects with a `PublishError` if the server refuses the event, for example with `conflict` if
   * the option `expect` does not hold; with the connection's error if the client has given up; and
   * with `timeout` or another connection error after `callTimeout`. In that case the event may or may
   * not have been published: within five minutes, publishing it again with the same `id` is safe.
   *
   * @throws TypeError if the data cannot be serialized as JSON.
   */
  publish<K extends keyof Publishable<L> & string>(
    event: K,
    data: Publishable<L>[K],
    options: PublishOptions = {},
  ): Promise<Position> {
    // A copy: the caller may change the data while the client waits for a connection.
    const copy = JSON.parse(JSON.stringify(data)) as unknown;
    const { id = newId(), room, expect } = options;
    const request = { event, data: copy, id, ...(room !== undefined && { room }) };
    return publish(this.#connection, this.settings.callTimeout, {
      ...request,
      ...(expect !== undefined && { expect }),
    });
  }

  /**
   * Returns what `longwire/health` reads: the transport in use, how often rooms were resumed and
   * reset, and how many events wait to be sent.
   */
  getCounters(): ClientCounters {
    const { transport } = this.#connection;
    return { transport, ...this.#rooms.counts, unsent: this.#outbox.length };
  }

  /** Returns the connection's state. */
  getState(): ConnectionState {
    return this.#connection.state;
  }

  /** Returns whether the client is signed in, with every joined room resumed. */
  isConnected(): boolean {
    return this.getState() === "connected";
  }

  /** Calls the listener with each new state of the connection; returns a function that removes it. */
  onStateChange(listener: (state: ConnectionState) => void): () => void {
    let last = this.getState();
    return this.connection.subscribe(() => {
      const state = this.getState();
      if (state === last) return;
      last = state;
      listener(state);
    });
  }

  /** Returns a job's state, observable. Subscribing joins the job's room. */
  job(id: string): JobTracker {
    return new JobTracker(id, this.#trackedJobs, this);
  }

  /** Returns the signed-in user's jobs, observable. */
  jobs(): JobList {
    return this.#jobList;
  }

  /** Asks a job to stop; rejects if the server does not accept the request. */
  async cancelJob(jobId: string, reason?: string): Promise<unknown> {
    const request = { jobId, reason } as Draft<JobCancelEvent>;
    // The contract may be another one, and a stock server may acknowledge with anything.
    const client = this as unknown as WebSocketClient;
    const answer = (await client.call("job:cancel", request)) as ErrorAck | null;
    if (answer?.error) throw new LongwireError(answer.error.code, answer.error.message);
    return answer;
  }

  /** Fetches the signed-in user's jobs over HTTP. */
  async fetchJobs(): Promise<readonly JobState[]> {
    const token = await this.#connection.token();
    const headers: HeadersInit = token ? { authorization: `Bearer ${token}` } : {};
    const response = await fetch(`${this.settings.apiUrl}/jobs`, { headers });
    if (!response.ok) throw new LongwireError("http", `HTTP ${response.status}`);
    return ((await response.json()) as { jobs: readonly JobState[] }).jobs;
  }

  /** Returns a function that calls `undo` once, `linger` after it is called. */
  #afterLinger(undo: () => void): () => void {
    let isDone = false;
    return () => {
      if (!isDone) setTimeout(undo, this.settings.linger);
      isDone = true;
    };
  }

  #receive(event: string, args: unknown[]): void {
    // A logged event has an object and its position; a stock server's may resemble one.
    const coverage = typeof args[0] === "object" ? parseCoverage(args[1]) : null;
    if (coverage) {
      if (!this.#rooms.tryAdvance(coverage, event, args[0])) return;
      args = [args[0]];
    }
    this.#trackedJobs.receive(event, args[0], coverage?.room);
    if (coverage && this.#rooms.isRepeated(coverage)) return;
    this.#handle(event, args);
  }

  #handle(event: string, args: unknown[]): void {
    // `authenticated` also follows a renewal, which may change the user.
    if (event === "connect" || event === "authenticated") this.#jobList.refresh();
    if (event === "job:created") this.#jobList.receiveCreated(...(args as [JobCreatedEvent]));
    if (event === "room_reset") this.#rooms.receiveReset(...(args as [RoomReset]));
    if (event === "room_error") this.#rooms.receiveError(...(args as [RoomError]));
    else this.#dispatch(event, args);
  }

  /** Discards the previous user's state when another user signs in. */
  #handleUserChange(): void {
    const before = this.#userId;
    this.#userId = this.connection.getSnapshot().userId;
    if (before === null || before === this.#userId) return;
    this.#outbox = [];
    this.#rooms.forget();
    this.#trackedJobs.forget();
    this.#jobList.forget();
  }

  #handleRoomChange(room: string): void {
    const snapshot = this.#rooms.snapshot(room);
    this.#trackedJobs.receiveRoomChange(room, snapshot);
    if (snapshot.error) this.#dispatch("room_error", [{ ok: false, room, error: snapshot.error }]);
  }

  #dispatch(event: string, args: unknown[]): void {
    this.#handlers.get(event)?.emit(...args);
  }

  #queue(event: string, args: unknown[]): void {
    // Sending it later would throw where no caller could catch it.
    JSON.stringify(args);
    const { outboxLimit } = this.settings;
    if (this.#outbox.length >= outboxLimit) {
      throw new LongwireError("outbox_full", `Offline, with ${outboxLimit} events queued.`);
    }
    this.#outbox.push([event, ...args]);
  }
}

const ignore = (): void => undefined;

/**
 * Creates a client. It does not connect before `connect` is called, unless `autoConnect` is set.
 *
 * @param url the server's address; by default that of the page.
 */
export function createClient<
  L extends EventMap<L> = ReceivedEvents,
  E extends EventMap<E> = SentEvents,
>(url?: string, options: ClientOptions = {}): WebSocketClient<L, E> {
  return new WebSocketClient<L, E>({ ...options, url });
}
