/** Types of a client's events, and the positions that Longwire adds to Socket.IO's packets. */

import type {
  ClientToServerEvents,
  ConnectionEvents,
  Draft,
  ServerToClientEvents,
} from "./contract.js";
import type { ReceivedEvents, SentEvents } from "./registration.js";

/** Events about the connection and its rooms, which a server of any contract sends. */
type ServerNotice =
  | "authenticated"
  | "auth_error"
  | "auth_expiring"
  | "closing"
  | "event_error"
  | "pong"
  | "room_error"
  | "room_reset";

/** Events about the connection, from the server and from the client itself. */
export type ControlEvents = Pick<ServerToClientEvents, ServerNotice> & ConnectionEvents;

/** Requests that the client handles itself: see `setToken`, `joinRoom` and `leaveRoom`. */
export type ControlRequests = Pick<
  ClientToServerEvents,
  "auth" | "join_room" | "leave_room" | "ping"
>;

/** The widest type of an event handler. */
type Handler = (...args: never) => void;

/** A contract's events by name, each with the type of its handler. */
export type EventMap<T> = { [K in keyof T]: Handler };

/** Every event that `on` accepts: those of the contract and those of the connection. */
export type Incoming<L = ReceivedEvents> = L & Omit<ControlEvents, keyof L>;

/** Every event that `emit` accepts. */
export type Outgoing<E = SentEvents> = E & Omit<ControlRequests, keyof E>;

/** The events of a contract that `publish` accepts, each with its payload. */
export type Publishable<L = ReceivedEvents> = {
  [K in Exclude<keyof L, keyof ControlEvents>]: L[K] extends (data: infer T) => void
    ? Draft<T>
    : never;
};

type WithoutAck<A extends unknown[]> = A extends [...infer Head, ((...args: never[]) => void)?]
  ? Head
  : A;

type AckOf<A extends unknown[]> =
  Required<A> extends [...unknown[], (result: infer R) => void] ? R : unknown;

/** The arguments to send an event with, without its acknowledgement callback. */
export type EmitArgs<F> = F extends (...args: infer A) => void ? WithoutAck<A> : never;

/** The value that the server acknowledges an event with. */
export type CallResult<F> = F extends (...args: infer A) => void ? AckOf<A> : never;

/** The entries `first`…`last` of a room's log that one frame stands for. */
export interface Coverage {
  readonly first: number;
  readonly last: number;
  readonly room: string;
}

const COVERAGE = /^(?:(\d+)-)?(\d+)@(.+)$/s;

/** Parses the last argument of a logged event: `"5@job:1"` or `"3-5@job:1"`. */
export function parseCoverage(argument: unknown): Coverage | null {
  const [, first, last, room] = (typeof argument === "string" && COVERAGE.exec(argument)) || [];
  return room ? { first: Number(first ?? last), last: Number(last), room } : null;
}
