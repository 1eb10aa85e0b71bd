import type { WebSocket as WebSocketTransport } from "socket.io-client";

import type { BackoffOptions } from "./backoff.js";
import { CONTRACT_FINGERPRINT } from "./contract.js";

/** A token, or a function that fetches a fresh one for each attempt and each refresh. */
export type TokenSource = string | (() => string | null | Promise<string | null>);

/** How a client connects and what it keeps. Times are in milliseconds. */
export interface ClientOptions {
  /** Who is signing in; may also be given to `connect`. */
  token?: TokenSource | undefined;
  /** Connect at once. Off by default: creating a client causes no traffic. */
  autoConnect?: boolean | undefined;
  /** The path of the Socket.IO endpoint. */
  path?: string | undefined;
  /** Transports in the order in which they are tried, or one of your own. */
  transports?: ("websocket" | "polling")[] | (typeof WebSocketTransport)[] | undefined;
  /** Come back by itself after a drop. */
  reconnection?: boolean | undefined;
  /** Failed attempts in a row before giving up until `retry()`; by default it never does. */
  reconnectionAttempts?: number | undefined;
  reconnectionDelay?: number | undefined;
  reconnectionDelayMax?: number | undefined;
  /** How long an attempt may take, from the first byte to being signed in. */
  timeout?: number | undefined;
  /** How long to wait for `authenticated` before taking the server for a stock one. */
  authenticationGrace?: number | undefined;
  /** How long `call` waits for its answer, offline time included. */
  callTimeout?: number | undefined;
  /** How long a `connected` waits for the answers to `join_room`; stock servers give none. */
  joinTimeout?: number | undefined;
  /** Ask for log positions, the base of resuming; a stock server ignores it. */
  positions?: boolean | undefined;
  /** The `CONTRACT_FINGERPRINT` of your own generated contract; by default Longwire's. */
  contract?: string | undefined;
  /** Events kept to be sent while offline; `emit` throws beyond it. */
  outboxLimit?: number | undefined;
  /** Output chunks that a job keeps. */
  outputLimit?: number | undefined;
  /** How long changes of a job are gathered before its observers hear of them. */
  notifyInterval?: number | undefined;
  /** How long an unobserved job or connection stays, so that remounting costs nothing. */
  linger?: number | undefined;
  /** Where the HTTP interface is; by default `/api` beside the server's address. */
  apiUrl?: string | undefined;
}

/** Options with the server's address, as the constructor takes them. */
export interface ClientConfig extends ClientOptions {
  /** The server's address; by default the page's own. */
  url?: string | undefined;
}

/** Every option with its value. */
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
  // `authenticated` follows CONNECT in the same flight.
  authenticationGrace: 1_000,
  callTimeout: 10_000,
  joinTimeout: 3_000,
  positions: true,
  contract: CONTRACT_FINGERPRINT,
  outboxLimit: 1_000,
  outputLimit: 1_000,
  // Twenty times a second is as live as an eye can tell.
  notifyInterval: 50,
  linger: 1_000,
} satisfies ClientOptions;

/** Fills in the defaults. */
export function settle(config: ClientConfig): Settings {
  const apiUrl = `${(config.url ?? "").replace(/\/$/, "")}/api`;
  const settings: Record<string, unknown> = { ...DEFAULTS, apiUrl };
  // What is undefined is as good as left out, as with every option of React's.
  for (const [key, value] of Object.entries(config)) settings[key] = value ?? settings[key];
  return settings as unknown as Settings;
}
