import { Connection, type ConnectionSnapshot, type Identity } from "./connection.js";
import type { ClientToServerEvents, ServerToClientEvents } from "./contract.js";
import { LongwireError } from "./errors.js";
import type { JobState } from "./fold.js";
import { JobHandle, type JobsHost, WatchedJobs } from "./job.js";
import { JobList, type JobListHost } from "./jobs.js";
import { Listeners } from "./listeners.js";
import type { ConnectionState } from "./machine.js";
import {
  type ClientConfig,
  type ClientOptions,
  type Settings,
  settle,
  type TokenSource,
} from "./options.js";
import { type RoomSnapshot, Rooms } from "./rooms.js";
import type { Readable } from "./store.js";
import {
  type CallResult,
  type EmitArgs,
  type EventMap,
  type Incoming,
  type Outgoing,
  parseCoverage,
  type Position,
  type WireError,
} from "./wire.js";

type AnyListener = (...args: unknown[]) => void;

interface RoomNotice extends Position {
  readonly room: string;
  readonly error: WireError;
}

interface Refusal {
  readonly ok?: boolean;
  readonly error?: WireError;
}

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
> {
  /** State, error, attempts, latency: observable. */
  readonly connection: Readable<ConnectionSnapshot>;
  readonly #settings: Settings;
  readonly #connection: Connection;
  readonly #rooms: Rooms;
  readonly #watched: WatchedJobs;
  readonly #jobList: JobList;
  readonly #jobsHost: JobsHost;
  readonly #handlers = new Map<string, Listeners<unknown[]>>();
  #outbox: { event: string; args: unknown[] }[] = [];
  #holders = 0;
  #isOpenedByHolders = false;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(config: ClientConfig) {
    this.#settings = settle(config);
    this.#connection = new Connection(
      this.#settings,
      {
        resume: (identity) => this.#resume(identity),
        ready: () => this.#ready(),
        down: () => this.#rooms.down(),
        receive: (event, args) => this.#receive(event, args),
      },
      config.token,
    );
    this.connection = this.#connection.status;
    this.#rooms = this.#createRooms();
    this.#jobsHost = this.#createJobsHost();
    this.#watched = new WatchedJobs(this.#jobsHost);
    this.#jobList = new JobList(this.#createJobListHost());
    if (this.#settings.autoConnect) this.connect().catch(() => undefined);
  }

  /**
   * Connects, or signs in anew in place if connected and the token is another.
   *
   * Resolves when signed in with every joined room resumed. Keeps trying through network errors;
   * rejects with a `LongwireError` when the server refuses, or when `disconnect` comes first.
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

  /** Tries now: at once instead of later while reconnecting, anew after an error. */
  retry(): void {
    this.#connection.retry();
  }

  /** Changes who signs in; while connected this happens in place, without a reconnect. */
  setToken(token: TokenSource): void {
    this.#connection.setToken(token);
  }

  /**
   * Is connected until the returned function is called, and a moment longer, so that a component
   * that is mounted anew finds the same connection. A connection opened by `connect` stays.
   */
  retain(): () => void {
    clearTimeout(this.#lingering);
    this.#holders++;
    if (this.getState() === "disconnected") {
      this.#isOpenedByHolders = true;
      this.connect().catch(() => undefined);
    }
    let isHeld = true;
    return () => {
      if (isHeld && --this.#holders === 0 && this.#isOpenedByHolders) {
        this.#lingering = setTimeout(() => this.disconnect(), this.#settings.linger);
      }
      isHeld = false;
    };
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
    return this.#hold(room);
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
    const remove = listeners.add(handler as AnyListener);
    return () => {
      remove();
      if (listeners.size === 0 && this.#handlers.get(event) === listeners) {
        this.#handlers.delete(event);
      }
    };
  }

  /**
   * Sends an event; while offline it is kept and sent in order when connected.
   *
   * @throws LongwireError `outbox_full`
   */
  emit<K extends keyof Outgoing<E> & string>(event: K, ...args: EmitArgs<Outgoing<E>[K]>): void {
    const argument = args[0] as unknown as string;
    if (event === "auth") this.setToken(argument);
    else if (event === "join_room") this.joinRoom(argument);
    else if (event === "leave_room") this.leaveRoom(argument);
    else if (this.isConnected()) this.#connection.send(event, ...(args as unknown[]));
    else this.#keep(event, args);
  }

  /**
   * Sends an event and resolves with the server's answer; waits for a connection if there is none.
   * Rejects with `timeout`, or with `disconnected` if the connection was cut before the answer, in
   * which case the request may or may not have been carried out.
   */
  call<K extends keyof E & string>(event: K, ...args: EmitArgs<E[K]>): Promise<CallResult<E[K]>> {
    return this.#request(event, args) as Promise<CallResult<E[K]>>;
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
    return new JobHandle(id, this.#watched, this.#jobsHost);
  }

  /** The signed-in user's jobs, observable. */
  jobs(): JobList {
    return this.#jobList;
  }

  #createRooms(): Rooms {
    const connection = this.#connection;
    const rooms = new Rooms(
      {
        get isUp() {
          return connection.isUp;
        },
        send: (event, ...args) => connection.send(event, ...args),
        reset: (room) => this.#watched.reset(room),
        refused: (room, error) => this.#dispatch("room_error", [{ room, error }]),
      },
      this.#settings.joinTimeout,
    );
    rooms.changes.add((room) => this.#watched.setRoomError(room, rooms.snapshot(room).error));
    return rooms;
  }

  #createJobsHost(): JobsHost {
    return {
      hold: (room, whenLeft) => this.#hold(room, whenLeft),
      reread: (room) => this.#rooms.reread(room),
      cancelJob: (id, reason) => this.#cancelJob(id, reason),
      outputLimit: this.#settings.outputLimit,
      notifyInterval: this.#settings.notifyInterval,
    };
  }

  #createJobListHost(): JobListHost {
    const isConnected = (): boolean => this.isConnected();
    return {
      job: (id) => this.job(id),
      fetchJobs: () => this.#fetchJobs(),
      get isConnected() {
        return isConnected();
      },
      notifyInterval: this.#settings.notifyInterval,
    };
  }

  #hold(room: string, whenLeft?: () => void): () => void {
    this.#rooms.join(room);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      setTimeout(() => {
        this.#rooms.leave(room);
        whenLeft?.();
      }, this.#settings.linger);
    };
  }

  #resume(identity: Identity | null): Promise<void> {
    return this.#rooms.resume(this.#settings.positions ? (identity?.rooms ?? []) : []);
  }

  #ready(): void {
    for (const { event, args } of this.#outbox.splice(0)) this.#connection.send(event, ...args);
    this.#jobList.ready();
  }

  #receive(event: string, args: unknown[]): void {
    const coverage = args.length > 1 ? parseCoverage(args.at(-1)) : null;
    if (coverage) {
      if (!this.#rooms.admit(coverage)) return;
      args = args.slice(0, -1);
    }
    if (event.startsWith("job:")) this.#receiveJob(event, args[0], coverage?.room ?? null);
    if (event === "room_reset") this.#receiveReset(args[0] as RoomNotice);
    if (event === "room_error") this.#receiveRoomError(args[0] as RoomNotice);
    this.#dispatch(event, args);
  }

  #receiveJob(event: string, data: unknown, room: string | null): void {
    this.#watched.receive(event, data, room);
    if (event === "job:created") this.#jobList.receiveCreated(data as { jobId: string });
  }

  #receiveReset({ room, epoch }: RoomNotice): void {
    this.#rooms.receiveReset(room, epoch);
  }

  #receiveRoomError({ room, error }: RoomNotice): void {
    this.#rooms.receiveError(room, error);
  }

  #dispatch(event: string, args: unknown[]): void {
    this.#handlers.get(event)?.emit(...args);
  }

  #keep(event: string, args: unknown[]): void {
    if (this.#outbox.length >= this.#settings.outboxLimit) {
      throw new LongwireError("outbox_full", "Too many events wait for a connection.");
    }
    this.#outbox.push({ event, args });
  }

  #untilConnected(): Promise<void> {
    if (this.isConnected()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = this.onStateChange((state) => {
        if (state === "connected") done();
        else if (state === "error") done(this.connection.getSnapshot().error);
      });
      const expired = new LongwireError("timeout", "No connection in time.");
      const timer = setTimeout(() => done(expired), this.#settings.callTimeout);
      const done = (error?: Error | null): void => {
        clearTimeout(timer);
        stop();
        if (error) reject(error);
        else resolve();
      };
    });
  }

  async #request(event: string, args: unknown[]): Promise<unknown> {
    const deadline = Date.now() + this.#settings.callTimeout;
    await this.#untilConnected();
    try {
      const left = Math.max(1, deadline - Date.now());
      return await this.#connection.request(left, event, ...args);
    } catch (cause) {
      throw this.isConnected()
        ? new LongwireError("timeout", `No answer to ${event}.`, { cause })
        : new LongwireError("disconnected", `Cut off before the answer to ${event}.`, { cause });
    }
  }

  async #cancelJob(jobId: string, reason?: string): Promise<unknown> {
    const request = { jobId, ...(reason !== undefined && { reason }) };
    const answer = (await this.#request("job:cancel", [request])) as Refusal | null;
    if (answer?.ok === false) throw LongwireError.fromWire(answer.error, "forbidden");
    return answer;
  }

  async #fetchJobs(): Promise<readonly JobState[]> {
    const token = await this.#connection.token();
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.#settings.apiUrl}/jobs`, { headers });
    if (!response.ok) throw new LongwireError("http", `The list of jobs: ${response.status}.`);
    return ((await response.json()) as { jobs: readonly JobState[] }).jobs;
  }
}

/** Creates a client; it connects when told to. */
export function createClient<
  L extends EventMap<L> = ServerToClientEvents,
  E extends EventMap<E> = ClientToServerEvents,
>(url?: string, options: ClientOptions = {}): WebSocketClient<L, E> {
  return new WebSocketClient<L, E>({ ...options, ...(url !== undefined && { url }) });
}
