/** What Longwire adds to Socket.IO on the wire, and the types of a client's events. */

import type { ClientToServerEvents, ConnectionEvents, ServerToClientEvents } from "./contract.js";

/** What the server says about the connection and its rooms, whatever the contract. */
type ServerNotice =
  | "authenticated"
  | "auth_error"
  | "auth_expiring"
  | "closing"
  | "pong"
  | "room_error"
  | "room_reset";

/** Events about the connection, from the server and from the client itself. */
export type ControlEvents = Pick<ServerToClientEvents, ServerNotice> & ConnectionEvents;

/** Requests that the client itself answers for: see `setToken`, `joinRoom`, `leaveRoom`. */
export type ControlRequests = Pick<
  ClientToServerEvents,
  "auth" | "join_room" | "leave_room" | "ping"
>;

/** Sent before the server disconnects on purpose. `retryAfter` is in seconds. */
export type ClosingAdvice = Parameters<ServerToClientEvents["closing"]>[0];

/** The widest type of a handler. */
type Handler = (...args: never) => void;

/** Event names and the handlers that fit them. */
export type EventMap<T> = { [K in keyof T]: Handler };

/** Every event that `on` accepts: those of the contract, then those of the connection. */
export type Incoming<L = ServerToClientEvents> = L & Omit<ControlEvents, keyof L>;

/** Every event that `emit` accepts. */
export type Outgoing<E = ClientToServerEvents> = E & Omit<ControlRequests, keyof E>;

type WithoutAck<A extends unknown[]> = A extends [...infer Head, ((...args: never[]) => void)?]
  ? Head
  : A;

type AckOf<A extends unknown[]> =
  Required<A> extends [...unknown[], (result: infer R) => void] ? R : unknown;

/** The arguments that an event is sent with, its acknowledgement left out. */
export type EmitArgs<F> = F extends (...args: infer A) => void ? WithoutAck<A> : never;

/** What the other side answers to an event. */
export type CallResult<F> = F extends (...args: infer A) => void ? AckOf<A> : never;

/** Which entries of which room a frame stands for. */
export interface Coverage {
  readonly first: number;
  readonly last: number;
  readonly room: string;
}

const COVERAGE = /^(?:(\d+)-)?(\d+)@(.+)$/s;

/** Reads the last argument of a logged event: `"5@job:1"` or `"3-5@job:1"`. */
export function parseCoverage(argument: unknown): Coverage | null {
  const [, first, last, room] = (typeof argument === "string" && COVERAGE.exec(argument)) || [];
  return room ? { first: Number(first ?? last), last: Number(last), room } : null;
}
