import { io, type Socket } from "socket.io-client";

import { backoff } from "./backoff.js";
import type { ConnectionState, Fault } from "./contract.js";
import { type ClientErrorCode, LongwireError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { Settings, TokenSource } from "./options.js";
import { Store } from "./store.js";
import { onWake } from "./wake.js";
import type { ClosingAdvice } from "./wire.js";

/** Who the server says we are, and the rooms that come with it. */
export interface Identity {
  readonly userId: string | null;
  readonly rooms: readonly string[];
  /** The fingerprint of its contract, if that is not ours. */
  readonly contract?: string;
}

/** What there is to know about a connection. Times are in milliseconds. */
export interface ConnectionSnapshot {
  readonly state: ConnectionState;
  readonly isConnected: boolean;
  /** Why it is not connected, or why the last token was not taken. */
  readonly error: Error | null;
  /** Failed attempts since the connection last held. */
  readonly attempt: number;
  /** When the next attempt comes, on the clock of `Date.now()`. */
  readonly nextRetryAt: number | null;
  /** The last measured round trip. */
  readonly latencyMs: number | null;
  /** Who is signed in, or was last: until another signs in, or `setToken(null)` signs out. */
  readonly userId: string | null;
  /** The server has another contract than this client was built for: a page may need a reload. */
  readonly isOutdated: boolean;
  readonly connectedAt: number | null;
  readonly disconnectedAt: number | null;
}

/** What a connection serves. */
export interface ConnectionHost {
  /**
   * Signed in, or signed in anew: join what is to be joined, with the rooms that come with it;
   * `undefined` where the server says nothing. Resolves when that is done.
   */
  resume(granted: readonly string[] | undefined): Promise<void>;
  /** Signed in with all rooms resumed, about to be connected. */
  ready(): void;
  /** The transport is gone. */
  down(): void;
  /** An event, from the server or about the connection. */
  receive(event: string, args: unknown[]): void;
}

/** What the server may answer to a request. */
export interface Refusal {
  readonly error?: Fault;
}

type Timer = ReturnType<typeof setTimeout>;

/** A session this old counts as one that held: the next drop starts the backoff anew. */
const HELD_MS = 5_000;
const PING_INTERVAL_MS = 30_000;
const UNREACHABLE = "unreachable" satisfies ClientErrorCode;
/** The server's word for a token that takes the place of somebody else's. */
const ANOTHER_USER = "another_user";

export const INITIAL: ConnectionSnapshot = {
  state: "disconnected",
  isConnected: false,
  error: null,
  attempt: 0,
  nextRetryAt: null,
  latencyMs: null,
  userId: null,
  isOutdated: false,
  connectedAt: null,
  disconnectedAt: null,
};

function late(): LongwireError {
  return new LongwireError("timeout", "Timeout.");
}

/**
 * One Socket.IO socket and the only loop that brings it back.
 *
 * The Manager's own reconnection is off: it neither returns after the server closed a socket nor
 * knows the server's advice, and two loops would fight.
 */
export class Connection {
  readonly status: Store<ConnectionSnapshot> = new Store(INITIAL);
  readonly #host: ConnectionHost;
  #socket: Socket | null = null;
  /** Names the current attempt; whatever belongs to an older one is void. */
  #session = 0;
  #phase: "idle" | "opening" | "signing-in" | "up" = "idle";
  #token: TokenSource | null;
  /** The token changed after the current session was given one. */
  #tokenIsNewer = false;
  #advice: ClosingAdvice | null = null;
  readonly #waiters = new Listeners<[error: Error | null]>();
  /** Ends an attempt that takes too long, or the wait for the next one. */
  #timer: Timer | undefined;
  #pinger: Timer | undefined;
  #pingSentAt = 0;
  #stopWaking: (() => void) | null = null;

  constructor(
    private readonly settings: Settings,
    host: ConnectionHost,
    token: TokenSource | null = null,
  ) {
    this.#host = host;
    this.#token = token;
  }

  get state(): ConnectionState {
    return this.status.getSnapshot().state;
  }

  /** Signed in: requests reach the server now. */
  get isUp(): boolean {
    return this.#phase === "up";
  }

  /** Connects if nothing does so already; resolves when connected. */
  open(): Promise<void> {
    const ready = this.whenReady();
    if (this.state === "disconnected" || this.state === "error") this.#start();
    return ready;
  }

  /** Resolves when connected, without connecting; rejects on a refusal, `close`, or a timeout. */
  whenReady(timeout?: number): Promise<void> {
    if (this.state === "connected") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        forget();
        if (error) reject(error);
        else resolve();
      };
      const timer = timeout && setTimeout(() => settle(late()), timeout);
      const forget = this.#waiters.add(settle);
    });
  }

  /** Ends the connection and every timer. */
  close(): void {
    const { state, userId } = this.status.getSnapshot();
    if (state === "disconnected") return;
    const { isUp } = this;
    this.#drop();
    this.#stopWaking?.();
    this.#stopWaking = null;
    this.#waiters.emit(new LongwireError("disconnected", "Disconnected."));
    this.status.set({ ...INITIAL, userId, disconnectedAt: Date.now() });
    if (isUp) this.#tell("disconnect", "io client disconnect");
  }

  /** Tries now instead of later; from `error`, starts over. */
  retry(): void {
    const { state, nextRetryAt } = this.status.getSnapshot();
    if (state === "error") this.#start();
    else if (nextRetryAt !== null) this.#attempt();
  }

  /** Changes who signs in: in place while connected, by a new attempt after a refusal. */
  setToken(token: TokenSource | null): void {
    const isSame = token === this.#token;
    this.#token = token;
    if (token === null) {
      this.close();
      this.status.set({ userId: null });
      return;
    }
    if (isSame && this.state !== "error") return;
    this.#tokenIsNewer = true;
    if (this.state === "connected") void this.#refreshToken();
    else this.retry();
  }

  /** The current token, from the provider if there is one. */
  async token(): Promise<string | null> {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  send(event: string, ...args: unknown[]): void {
    this.#socket?.emit(event, ...args);
  }

  /** Sends and resolves with the answer; rejects when the time is up or the connection is cut. */
  async request(timeout: number, event: string, ...args: unknown[]): Promise<unknown> {
    return (await this.#socket?.timeout(timeout).emitWithAck(event, ...args)) as unknown;
  }

  // Attempts

  #start(change?: Partial<ConnectionSnapshot>): void {
    this.#stopWaking ??= onWake(() => this.#wake());
    this.#attempt({ state: "connecting", isConnected: false, attempt: 0, error: null, ...change });
  }

  /** Tries at once, unless refused; a connection that seems to be there is put to the test. */
  #wake(): void {
    const { state, error } = this.status.getSnapshot();
    if (state === "connected") this.#ping();
    else if (state !== "error" || (error as LongwireError).code === UNREACHABLE) this.retry();
  }

  #attempt(change?: Partial<ConnectionSnapshot>): void {
    this.#drop();
    const session = this.#session;
    this.status.set({ nextRetryAt: null, ...change });
    const { attempt } = this.status.getSnapshot();
    if (attempt) this.#tell("reconnect_attempt", attempt);
    if (session !== this.#session) return;
    this.#timer = setTimeout(() => this.#lose(late()), this.settings.timeout);
    void this.#connect(session);
  }

  async #connect(session: number): Promise<void> {
    this.#phase = "opening";
    this.#tokenIsNewer = false;
    try {
      const token = await this.token();
      if (session !== this.#session) return;
      this.#socket ??= this.#createSocket();
      const { positions, contract } = this.settings;
      this.#socket.auth = { token: token ?? undefined, positions, contract };
      this.#socket.connect();
      // The Manager does not listen to a transport that closes before it has opened. Any other
      // end is told by the socket, which after a refusal closes the transport itself.
      this.#socket.io.engine.once("close", (reason) => {
        const isCut = this.#phase === "opening" && reason !== "forced close";
        if (isCut && session === this.#session)
          this.#lose(new LongwireError("disconnected", reason));
      });
    } catch (error) {
      if (session === this.#session) this.#lose(error as Error);
    }
  }

  #createSocket(): Socket {
    // Without an address it is the page's own; the declaration forbids what the function takes.
    const socket = io(this.settings.url as string, {
      // Settings that mean the same are named as there; the loop is ours.
      ...this.settings,
      tryAllTransports: true,
      forceNew: true,
      autoConnect: false,
      reconnection: false,
    });
    socket.on("connect", () => this.#signIn());
    socket.on("connect_error", (error) => this.#receiveConnectError(error));
    socket.on("disconnect", (reason) => this.#receiveDisconnect(reason));
    socket.on("authenticated", (identity: Identity) => this.#receiveAuthenticated(identity));
    socket.on("auth_error", (message: string) => this.#receiveAuthError(message));
    socket.on("auth_expiring", () => {
      if (typeof this.#token === "function") void this.#refreshToken();
    });
    socket.on("closing", (advice: ClosingAdvice) => void (this.#advice = advice));
    socket.on("pong", () => {
      this.status.set({ latencyMs: Date.now() - this.#pingSentAt });
    });
    socket.onAny((event: string, ...args: unknown[]) => this.#tell(event, ...args));
    return socket;
  }

  #signIn(): void {
    this.#phase = "signing-in";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#signedIn(), this.settings.authenticationGrace);
  }

  #signedIn(identity?: Identity): void {
    clearTimeout(this.#timer);
    this.#phase = "up";
    const session = this.#session;
    void this.#resume(identity).then(() => {
      if (session === this.#session) this.#ready(!!identity);
    });
  }

  #ready(isLongwire: boolean): void {
    const { attempt, connectedAt } = this.status.getSnapshot();
    // First whatever is ours to do: who is told of the connection may send, or end it.
    this.#host.ready();
    if (isLongwire) this.#ping();
    if (this.#tokenIsNewer) void this.#refreshToken();
    this.#waiters.emit(null);
    this.status.set({
      state: "connected",
      isConnected: true,
      error: null,
      connectedAt: Date.now(),
    });
    const goesOn = this.isUp && this.#tell("connect");
    if (goesOn && connectedAt !== null) this.#tell("reconnect", attempt);
  }

  // What the server says

  #receiveAuthenticated(identity: Identity): void {
    if (this.#phase === "signing-in") this.#signedIn(identity);
    else void this.#resume(identity);
  }

  #resume(identity?: Identity): Promise<void> {
    if (identity) {
      const { userId, contract } = identity;
      this.status.set({ userId, isOutdated: !!contract, error: null });
    }
    return this.#host.resume(identity?.rooms);
  }

  #receiveAuthError(message: string): void {
    const error = new LongwireError("token_invalid", message);
    if (this.#phase === "signing-in") this.#refuse(error);
    else this.status.set({ error });
  }

  #receiveConnectError(error: Error & { data?: { code?: string } }): void {
    if (this.#phase === "idle" || !this.#tell("connect_error", error)) return;
    if (this.#socket?.active) this.#lose(error);
    else this.#refuse(new LongwireError(error.data?.code ?? "refused", error.message));
  }

  #receiveDisconnect(reason: string): void {
    if (this.#phase === "idle" || !this.#tell("disconnect", reason)) return;
    const advice = this.#advice ?? {
      reason: "disconnected",
      message: reason,
      reconnect: true,
      retryAfter: 0,
    };
    const error = new LongwireError(advice.reason, advice.message);
    // A provider can do something about an expired token: it is asked before the next attempt.
    const isCurable = advice.reason === "token_expired" && typeof this.#token === "function";
    if (advice.reconnect || isCurable) this.#lose(error, advice.retryAfter);
    else this.#refuse(error);
  }

  async #refreshToken(): Promise<void> {
    const session = this.#session;
    this.#tokenIsNewer = false;
    try {
      const token = await this.token();
      if (session !== this.#session) return;
      this.send("auth", token, (answer?: Refusal) => {
        // Who is signed in keeps the connection; somebody else gets one of their own.
        const isOther = answer?.error?.code === ANOTHER_USER && session === this.#session;
        if (isOther && this.#tell("disconnect", ANOTHER_USER)) this.#start({ userId: null });
      });
    } catch (error) {
      this.status.set({ error: error as Error });
    }
  }

  #ping(): void {
    clearTimeout(this.#pinger);
    this.#pingSentAt = Date.now();
    // Writing also makes Engine.IO notice that the server's own pings are overdue.
    this.send("ping");
    this.#pinger = setTimeout(() => this.#ping(), PING_INTERVAL_MS);
  }

  // Ends

  #lose(error: Error, retryAfter = 0): void {
    const before = this.status.getSnapshot();
    const hasHeld = before.isConnected && Date.now() - Number(before.connectedAt) >= HELD_MS;
    const attempt = hasHeld ? 1 : before.attempt + 1;
    this.#drop();
    if (attempt > 1 && !this.#tell("reconnect_error", error)) return;
    if (!this.settings.reconnection || attempt > this.settings.reconnectionAttempts) {
      this.#refuse(new LongwireError(UNREACHABLE, error.message, { cause: error }));
      this.#tell("reconnect_failed");
      return;
    }
    const delay = retryAfter * 1_000 + backoff(attempt, this.settings, Math.random());
    this.#timer = setTimeout(() => this.#attempt(), delay);
    this.#fail("reconnecting", error, { attempt, nextRetryAt: Date.now() + delay });
  }

  #refuse(error: Error): void {
    // What was refused is an older token than ours.
    if (this.#tokenIsNewer) {
      this.#attempt();
      return;
    }
    this.#drop();
    this.#waiters.emit(error);
    this.#fail("error", error);
  }

  /** Takes the transport and every timer down; nothing of the old session is heard again. */
  #drop(): void {
    this.#session++;
    const { isUp } = this;
    this.#phase = "idle";
    this.#advice = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#pinger);
    this.#socket?.disconnect();
    if (isUp) this.#host.down();
  }

  #fail(state: ConnectionState, error: Error, change?: Partial<ConnectionSnapshot>): void {
    const disconnectedAt = Date.now();
    this.status.set({
      state,
      error,
      isConnected: false,
      latencyMs: null,
      disconnectedAt,
      ...change,
    });
  }

  /** Tells of an event; whether the session goes on, which a handler may have ended. */
  #tell(event: string, ...args: unknown[]): boolean {
    const session = this.#session;
    this.#host.receive(event, args);
    return session === this.#session;
  }
}
