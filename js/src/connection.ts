import { io, type Socket } from "socket.io-client";

import { backoff } from "./backoff.js";
import type { Authenticated, Closing, ConnectionState, Fault } from "./contract.js";
import { type ClientErrorCode, LongwireError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { Settings, TokenSource } from "./options.js";
import { Store } from "./store.js";
import { onWake } from "./wake.js";

/** The state of a connection at one moment. Times are in milliseconds. */
export interface ConnectionSnapshot {
  /** `error` means that the client gave up; the member `error` has the reason. */
  readonly state: ConnectionState;
  /** Whether the state is `connected`: signed in, with every joined room resumed. */
  readonly isConnected: boolean;
  /** Why the client is not connected, or why the server rejected the last token. */
  readonly error: Error | null;
  /** Failed attempts in a row; reset by a connection that lasts for five seconds. */
  readonly reconnectAttempts: number;
  /** When the next attempt starts, as `Date.now()` counts. */
  readonly nextRetryAt: number | null;
  /** The last measured round trip. */
  readonly latencyMs: number | null;
  /** The signed-in user; kept while disconnected, until another user signs in or `setToken(null)`. */
  readonly userId: string | null;
  /**
   * The fingerprint of the server's contract if it differs from the client's: the application may
   * be outdated. Null if they match.
   */
  readonly otherContract: string | null;
  /** When the client last connected, as `Date.now()` counts. */
  readonly connectedAt: number | null;
  /** When the client was last disconnected, as `Date.now()` counts. */
  readonly disconnectedAt: number | null;
}

/** Callbacks of the object that owns a connection. */
export interface ConnectionOwner {
  /**
   * The client signed in, or renewed its token: join the rooms that the server granted. Those are
   * undefined on a stock server. The connection is `connected` when the promise resolves.
   */
  onSignedIn(granted: readonly string[] | undefined): Promise<void>;
  /** Every room is resumed; the state becomes `connected` next. */
  onReady(): void;
  /** The connection is gone. */
  onDown(): void;
  /** An event of the server, or one about the connection, arrived. */
  onEvent(event: string, args: unknown[]): void;
}

/** Members of an acknowledgement that reports an error. */
export interface ErrorAck {
  readonly error?: Fault;
}

type Timer = ReturnType<typeof setTimeout>;

/** A connection that lasts this long resets the backoff when it is lost. */
const STABLE_AFTER_MS = 5_000;
const PING_INTERVAL_MS = 30_000;
const UNREACHABLE = "unreachable" satisfies ClientErrorCode;
/** The server's code for a renewal with another user's token. */
const ANOTHER_USER = "another_user";
/** Reasons for a disconnect that another token resolves. */
const TOKEN_REASONS: readonly string[] = ["token_expired", "token_revoked"];

export const INITIAL: ConnectionSnapshot = {
  state: "disconnected",
  isConnected: false,
  error: null,
  reconnectAttempts: 0,
  nextRetryAt: null,
  latencyMs: null,
  userId: null,
  otherContract: null,
  connectedAt: null,
  disconnectedAt: null,
};

function timeoutError(): LongwireError {
  return new LongwireError("timeout", "The server did not answer in time.");
}

/**
 * One Socket.IO socket and the loop that reconnects it.
 *
 * The reconnection of Socket.IO's Manager is disabled: it does not return after the server closes
 * a socket, does not follow the server's `closing` advice, and would compete with this loop.
 */
export class Connection {
  readonly status: Store<ConnectionSnapshot> = new Store(INITIAL);
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;
  readonly #waiters = new Listeners<[error: Error | null]>();
  #socket: Socket | null = null;
  /** Identifies the current attempt: callbacks of an earlier one must not act. */
  #session = 0;
  #phase: "idle" | "opening" | "signing-in" | "signed-in" = "idle";
  #token: TokenSource | null;
  /** Whether the token changed after the current session sent one. */
  #isTokenNewer = false;
  #advice: Closing | null = null;
  /** Ends an attempt that takes too long, or the delay before the next one. */
  #timer: Timer | undefined;
  #pinger: Timer | undefined;
  #stopWaking: (() => void) | null = null;

  constructor(settings: Settings, owner: ConnectionOwner, token: TokenSource | null = null) {
    this.#settings = settings;
    this.#owner = owner;
    this.#token = token;
  }

  get state(): ConnectionState {
    return this.status.getSnapshot().state;
  }

  /** The transport of the open connection. */
  get transport(): string | null {
    return this.isSignedIn ? (this.#socket?.io.engine.transport.name ?? null) : null;
  }

  /** Whether requests reach the server now. */
  get isSignedIn(): boolean {
    return this.#phase === "signed-in";
  }

  /**
   * Starts connecting unless the client does so already; resolves when connected. Rejects after the
   * option `timeout`, and the client keeps trying.
   */
  open(): Promise<void> {
    const ready = this.whenReady(this.#settings.timeout);
    if (this.state === "disconnected" || this.state === "error") this.#start();
    return ready;
  }

  /** Resolves when connected; rejects when the client gives up, on `close`, and on a timeout. */
  whenReady(timeout?: number): Promise<void> {
    if (this.state === "connected") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        remove();
        if (error) reject(error);
        else resolve();
      };
      const timer = timeout && setTimeout(() => settle(this.#timeoutError()), timeout);
      const remove = this.#waiters.add(settle);
    });
  }

  /** The error of the last attempt, or a timeout if none has failed yet. */
  #timeoutError(): LongwireError {
    const { error } = this.status.getSnapshot();
    if (error === null) return timeoutError();
    return new LongwireError(UNREACHABLE, error.message, { cause: error });
  }

  /** Closes the connection and stops reconnecting. */
  close(): void {
    const { state, userId } = this.status.getSnapshot();
    if (state === "disconnected") return;
    const { isSignedIn } = this;
    this.#reset();
    this.#stopWaking?.();
    this.#stopWaking = null;
    this.#waiters.emit(new LongwireError("disconnected", "The client disconnected."));
    this.status.set({ ...INITIAL, userId, disconnectedAt: Date.now() });
    if (isSignedIn) this.#dispatch("disconnect", "io client disconnect");
  }

  /** Skips the delay before the next attempt; connects again if the client gave up. */
  retry(): void {
    const { state, nextRetryAt } = this.status.getSnapshot();
    if (state === "error") this.#start();
    else if (nextRetryAt !== null) this.#attempt();
  }

  /** Replaces the token: in place while connected, with a new attempt after a rejection. */
  setToken(token: TokenSource | null): void {
    const isSame = token === this.#token;
    this.#token = token;
    if (token === null) {
      this.close();
      this.status.set({ userId: null });
      return;
    }
    if (isSame && this.state !== "error") return;
    this.#isTokenNewer = true;
    if (this.state === "connected") void this.#refreshToken();
    else this.retry();
  }

  /** Returns the current token, from the token function if there is one. */
  async token(): Promise<string | null> {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  send(event: string, ...args: unknown[]): void {
    this.#socket?.emit(event, ...args);
  }

  /** Resolves with the acknowledgement; rejects after the timeout and when the connection is lost. */
  async request(timeout: number, event: string, ...args: unknown[]): Promise<unknown> {
    return (await this.#socket?.timeout(timeout).emitWithAck(event, ...args)) as unknown;
  }

  // Attempts

  #start(change?: Partial<ConnectionSnapshot>): void {
    this.#stopWaking ??= onWake(() => this.#wake());
    this.#attempt({
      state: "connecting",
      isConnected: false,
      reconnectAttempts: 0,
      error: null,
      ...change,
    });
  }

  /** Connects again without delay, except after a rejection; checks an open connection. */
  #wake(): void {
    const { state, error } = this.status.getSnapshot();
    if (state === "connected") this.#ping();
    else if (state !== "error" || (error as LongwireError).code === UNREACHABLE) this.retry();
  }

  #attempt(change?: Partial<ConnectionSnapshot>): void {
    this.#reset();
    const session = this.#session;
    this.status.set({ nextRetryAt: null, ...change });
    const { reconnectAttempts } = this.status.getSnapshot();
    if (reconnectAttempts) this.#dispatch("reconnect_attempt", reconnectAttempts);
    if (session !== this.#session) return;
    this.#timer = setTimeout(() => this.#retryLater(timeoutError()), this.#settings.timeout);
    void this.#connect(session);
  }

  async #connect(session: number): Promise<void> {
    this.#phase = "opening";
    this.#isTokenNewer = false;
    try {
      const token = await this.token();
      if (session !== this.#session) return;
      this.#socket ??= this.#createSocket();
      const { positions, contract } = this.#settings;
      this.#socket.auth = { token: token ?? undefined, positions, contract };
      this.#socket.connect();
      // The Manager ignores a transport that closes before it has opened. The socket reports every
      // other end; after a rejection it closes the transport itself ("forced close").
      this.#socket.io.engine.once("close", (reason) => {
        const isCut = this.#phase === "opening" && reason !== "forced close";
        if (isCut && session === this.#session)
          this.#retryLater(new LongwireError("disconnected", reason));
      });
    } catch (error) {
      if (session === this.#session) this.#retryLater(error as Error);
    }
  }

  #createSocket(): Socket {
    // Without an address `io` uses the page's; its type does not allow undefined.
    const socket = io(this.#settings.url as string, {
      // Options of the same name mean the same in Socket.IO.
      ...this.#settings,
      tryAllTransports: true,
      forceNew: true,
      autoConnect: false,
      reconnection: false,
    });
    socket.on("connect", () => this.#awaitSignIn());
    socket.on("connect_error", (error) => this.#receiveConnectError(error));
    socket.on("disconnect", (reason) => this.#receiveDisconnect(reason));
    socket.on("authenticated", (identity: Authenticated) => this.#receiveAuthenticated(identity));
    socket.on("auth_error", (message: string) => this.#receiveAuthError(message));
    socket.on("auth_expiring", () => {
      if (typeof this.#token === "function") void this.#refreshToken();
    });
    socket.on("closing", (advice: Closing) => {
      this.#advice = advice;
    });
    socket.onAny((event: string, ...args: unknown[]) => this.#dispatch(event, ...args));
    return socket;
  }

  #awaitSignIn(): void {
    this.#phase = "signing-in";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#signIn(), this.#settings.authenticationGrace);
  }

  /** Completes the sign-in; a stock server sends no identity. */
  #signIn(identity?: Authenticated): void {
    clearTimeout(this.#timer);
    this.#phase = "signed-in";
    const session = this.#session;
    void this.#resume(identity).then(() => {
      if (session === this.#session) this.#becomeConnected(!!identity);
    });
  }

  #becomeConnected(isLongwire: boolean): void {
    const { reconnectAttempts, connectedAt } = this.status.getSnapshot();
    // The client's own messages go first: a listener may send others, or disconnect.
    this.#owner.onReady();
    if (isLongwire) this.#ping();
    if (this.#isTokenNewer) void this.#refreshToken();
    this.#waiters.emit(null);
    this.status.set({
      state: "connected",
      isConnected: true,
      error: null,
      connectedAt: Date.now(),
    });
    const isOpen = this.isSignedIn && this.#dispatch("connect");
    if (isOpen && connectedAt !== null) this.#dispatch("reconnect", reconnectAttempts);
  }

  // Events of the server

  #receiveAuthenticated(identity: Authenticated): void {
    if (this.#phase === "signing-in") this.#signIn(identity);
    else void this.#resume(identity);
  }

  #resume(identity?: Authenticated): Promise<void> {
    if (identity) {
      const { userId, contract = null } = identity;
      this.status.set({ userId, otherContract: contract, error: null });
    }
    return this.#owner.onSignedIn(identity?.rooms);
  }

  #receiveAuthError(message: string): void {
    const error = new LongwireError("token_invalid", message);
    if (this.#phase === "signing-in") this.#giveUp(error);
    else this.status.set({ error });
  }

  #receiveConnectError(error: Error & { data?: { code?: string } }): void {
    if (this.#phase === "idle" || !this.#dispatch("connect_error", error)) return;
    // The socket stays active if the transport failed, and not if the server rejected the client.
    if (this.#socket?.active) this.#retryLater(error);
    else this.#giveUp(new LongwireError(error.data?.code ?? "refused", error.message));
  }

  #receiveDisconnect(reason: string): void {
    if (this.#phase === "idle" || !this.#dispatch("disconnect", reason)) return;
    const advice = this.#advice ?? {
      reason: "disconnected",
      message: reason,
      reconnect: true,
      retryAfter: 0,
    };
    const error = new LongwireError(advice.reason, advice.message);
    // The next attempt asks a token function for another token.
    const isCurable = TOKEN_REASONS.includes(advice.reason) && typeof this.#token === "function";
    if (advice.reconnect || isCurable) this.#retryLater(error, advice.retryAfter);
    else this.#giveUp(error);
  }

  async #refreshToken(): Promise<void> {
    const session = this.#session;
    this.#isTokenNewer = false;
    try {
      const token = await this.token();
      if (session !== this.#session) return;
      this.send("auth", token, (answer?: ErrorAck) => {
        // A connection belongs to one user; another user gets a new one.
        const isOther = answer?.error?.code === ANOTHER_USER && session === this.#session;
        if (isOther && this.#dispatch("disconnect", ANOTHER_USER)) this.#start({ userId: null });
      });
    } catch (error) {
      this.status.set({ error: error as Error });
    }
  }

  #ping(): void {
    clearTimeout(this.#pinger);
    const sentAt = Date.now();
    // Writing also lets Engine.IO notice that the server's own pings are overdue.
    this.send("ping", () => this.status.set({ latencyMs: Date.now() - sentAt }));
    this.#pinger = setTimeout(() => this.#ping(), PING_INTERVAL_MS);
  }

  // Ends

  /** Schedules the next attempt, unless the options do not allow one. */
  #retryLater(error: Error, retryAfter = 0): void {
    const before = this.status.getSnapshot();
    const lasted = before.isConnected ? Date.now() - Number(before.connectedAt) : 0;
    const reconnectAttempts = lasted >= STABLE_AFTER_MS ? 1 : before.reconnectAttempts + 1;
    this.#reset();
    if (reconnectAttempts > 1 && !this.#dispatch("reconnect_error", error)) return;
    const { reconnection, reconnectionAttempts } = this.#settings;
    if (!reconnection || reconnectAttempts > reconnectionAttempts) {
      this.#giveUp(new LongwireError(UNREACHABLE, error.message, { cause: error }));
      this.#dispatch("reconnect_failed");
      return;
    }
    const delay = retryAfter * 1_000 + backoff(reconnectAttempts, this.#settings, Math.random());
    this.#timer = setTimeout(() => this.#attempt(), delay);
    const nextRetryAt = Date.now() + delay;
    this.#setDown("reconnecting", error, { reconnectAttempts, nextRetryAt });
  }

  #giveUp(error: Error): void {
    // The server rejected an older token than the current one.
    if (this.#isTokenNewer) {
      this.#attempt();
      return;
    }
    this.#reset();
    this.#waiters.emit(error);
    this.#setDown("error", error);
  }

  /** Closes the transport and cancels every timer; callbacks of the old session no longer act. */
  #reset(): void {
    this.#session++;
    const { isSignedIn } = this;
    this.#phase = "idle";
    this.#advice = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#pinger);
    this.#socket?.disconnect();
    if (isSignedIn) this.#owner.onDown();
  }

  #setDown(state: ConnectionState, error: Error, change?: Partial<ConnectionSnapshot>): void {
    const disconnectedAt = Date.now();
    const down = { state, error, isConnected: false, latencyMs: null, disconnectedAt };
    this.status.set({ ...down, ...change });
  }

  /** Hands out an event; returns false if a handler ended the session. */
  #dispatch(event: string, ...args: unknown[]): boolean {
    const session = this.#session;
    this.#owner.onEvent(event, args);
    return session === this.#session;
  }
}
