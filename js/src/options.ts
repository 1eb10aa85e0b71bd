import type { WebSocket as WebSocketTransport } from "socket.io-client";

import type { BackoffOptions } from "./backoff.js";
import { CONTRACT_FINGERPRINT, type EventRule } from "./contract.js";

/** A token, or a function that returns a token for each connection attempt and each renewal. */
export type TokenSource = string | (() => string | null | Promise<string | null>);

/** Options of a client. Times are in milliseconds. */
export interface ClientOptions {
  /** The token to sign in with; `connect` and `setToken` replace it. */
  token?: TokenSource | undefined;
  /** Connect when the client is created. Default: `false`. */
  autoConnect?: boolean | undefined;
  /** The path of the Socket.IO endpoint. Default: `/socket.io/`. */
  path?: string | undefined;
  /**
   * The transports to try, in order, or transport classes of your own. Default: `websocket`, then
   * `polling`.
   */
  transports?: ("websocket" | "polling")[] | (typeof WebSocketTransport)[] | undefined;
  /** Reconnect automatically after a connection is lost. Default: `true`. */
  reconnection?: boolean | undefined;
  /** Failed attempts in a row before the state becomes `error`. Default: unlimited. */
  reconnectionAttempts?: number | undefined;
  /** The longest delay before the first attempt; it doubles with each further one. Default: 1,000. */
  reconnectionDelay?: number | undefined;
  /** The longest delay between two attempts. Default: 30,000. */
  reconnectionDelayMax?: number | undefined;
  /** How long an attempt may take, sign-in included. Default: 20,000. */
  timeout?: number | undefined;
  /**
   * How long the client waits for `authenticated` before it treats the server as a stock Socket.IO
   * server. Default: 1,000.
   */
  authenticationGrace?: number | undefined;
  /** How long `call` waits for its answer, time spent offline included. Default: 10,000. */
  callTimeout?: number | undefined;
  /**
   * How long connecting waits for the answers to `join_room`, which stock servers do not send.
   * Default: 3,000.
   */
  joinTimeout?: number | undefined;
  /**
   * Ask the server for log positions, without which rooms cannot be resumed. Stock servers ignore
   * it. Default: `true`.
   */
  positions?: boolean | undefined;
  /** The `CONTRACT_FINGERPRINT` of your own generated contract. Default: that of Longwire's catalog. */
  contract?: string | undefined;
  /**
   * The `EVENTS` of your own generated contract, which an outbox and shared values read. Default:
   * those of Longwire's catalog.
   */
  events?: Readonly<Record<string, EventRule>> | undefined;
  /** Events that are queued while offline; `emit` throws `outbox_full` beyond it. Default: 1,000. */
  outboxLimit?: number | undefined;
  /** Output chunks that a job's state keeps. Default: 1,000. */
  outputLimit?: number | undefined;
  /** How long changes of a job are collected before its observers are notified. Default: 50. */
  notifyInterval?: number | undefined;
  /**
   * How long a room or connection without users stays open, so that a component that remounts
   * finds it. Default: 1,000.
   */
  linger?: number | undefined;
  /** The address of the HTTP interface. Default: `/api` at the server's address. */
  apiUrl?: string | undefined;
}

/** Options with the server's address, as the constructor of `WebSocketClient` accepts them. */
export interface ClientConfig extends ClientOptions {
  /** The server's address. Default: that of the page. */
  url?: string | undefined;
}

/** The options in force, defaults filled in. */
export type Settings = {
  readonly [K in keyof Omit<ClientConfig, "token" | "url" | "autoConnect">]-?: NonNullable<
    ClientConfig[K]
  >;
} & BackoffOptions & { readonly url?: string | undefined };

const DEFAULTS = {
  path: "/socket.io/",
  transports: ["websocket", "polling"],
  reconnection: true,
  reconnectionAttempts: Infinity,
  reconnectionDelay: 1_000,
  reconnectionDelayMax: 30_000,
  timeout: 20_000,
  // The server sends `authenticated` right after CONNECT.
  authenticationGrace: 1_000,
  callTimeout: 10_000,
  joinTimeout: 3_000,
  positions: true,
  contract: CONTRACT_FINGERPRINT,
  events: {},
  outboxLimit: 1_000,
  outputLimit: 1_000,
  // People cannot tell 20 updates a second from more.
  notifyInterval: 50,
  linger: 1_000,
} satisfies ClientOptions;

/** Fills in the defaults. An option that is `undefined` counts as omitted. */
export function withDefaults(config: ClientConfig): Settings {
  const apiUrl = `${(config.url ?? "").replace(/\/$/, "")}/api`;
  const settings: Record<string, unknown> = { ...DEFAULTS, apiUrl };
  for (const [key, value] of Object.entries(config)) settings[key] = value ?? settings[key];
  return settings as unknown as Settings;
}
