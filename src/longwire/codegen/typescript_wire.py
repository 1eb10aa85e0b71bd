"""TypeScript of what is the same in every contract: Longwire's own wire."""

from __future__ import annotations

from typing import Final

from longwire.schema import Fault, JoinAck, PublishAck
from longwire.schema.describe import describe_types

WIRE_TYPES: Final = describe_types(Fault, JoinAck, PublishAck)
"""The types that are written below, better than they could be generated: as unions."""

WIRE_NAMES: Final = frozenset(
    {
        "ClientToServerEvents",
        "ConnectionEvents",
        "ConnectionState",
        "Conflation",
        "Draft",
        "EventHandler",
        "EventName",
        "EventRule",
        "LeaveAck",
        "Position",
        "PublishRequest",
        "Room",
        "ServerToClientEvents",
        "SocketEvents",
        *WIRE_TYPES,
    }
)
"""Names that no type of a contract may have."""

WIRE: Final = """\
/** What a connection is doing. */
export type ConnectionState =
  | "disconnected"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "error";

/** A place in a room's log: everything up to and including `offset` lies behind it. */
export interface Position {
  /** Names the log's incarnation; positions of different epochs do not compare. */
  epoch: string;
  /** Entries are 1, 2, 3, … without holes; 0 is before the first. */
  offset: number;
}

/** Why something was refused. */
export interface Fault {
  /** The stable word. */
  code: string;
  /** One sentence for a person. */
  message: string;
}

/** The answer to `join_room`; the position is the log's end, which replay leads up to. */
export type JoinAck =
  | { ok: true; room: string; epoch: string; offset: number; recovered: boolean }
  | { ok: false; room: string; error: Fault };

/** The answer to `leave_room`. */
export type LeaveAck = { ok: true; room: string } | { ok: false; room: string; error: Fault };

/** The answer to `publish`, and to events that are appended to a log. */
export type PublishAck =
  | { ok: true; room: string; epoch?: string; offset?: number }
  | { ok: false; error: Fault };

/** What a service sends with `publish`. */
export interface PublishRequest {
  /** The event's name. */
  event: string;
  /** Its payload. */
  data: unknown;
  /** Where it goes, unless its fields tell. */
  room?: string;
  /** The same id in the same room is appended once. */
  id?: string;
  /** Skips the log: delivered at most once. */
  volatile?: boolean;
}

/** A payload to send: the timestamp, and members with a default, may be left out. */
export type Draft<T, Defaults extends keyof T = never> = Omit<T, "timestamp" | Defaults> &
  Partial<Pick<T, Defaults | ("timestamp" & keyof T)>>;
"""

SERVER_EVENTS: Final = """\
  /** Signed in; `rooms` are those that come with it, `contract` the server's if it is another. */
  authenticated: (data: { userId: string; rooms: string[]; contract?: string }) => void;
  auth_error: (error: string) => void;
  /** The token expires in so many seconds: send another with `auth`. */
  auth_expiring: (data: { expiresIn: number }) => void;
  /** The server will disconnect; come back after so many seconds, if `reconnect`. */
  closing: (data: {
    reason: string;
    message: string;
    reconnect: boolean;
    retryAfter?: number;
  }) => void;
  pong: (data: { timestamp: number }) => void;
  /** A `join_room` without acknowledgement was refused. */
  room_error: (data: { room: string; error: Fault }) => void;
  /** The room's log began anew: forget what was derived from it. */
  room_reset: (data: { room: string; epoch: string; offset: number }) => void;
"""

CLIENT_EVENTS: Final = """\
  /** Replaces the token in place; answered by `authenticated` or `auth_error`. */
  auth: (token: string) => void;
  /** A position resumes there, `"now"` skips history, nothing means the retained log. */
  join_room: (
    ...args:
      | [room: string, ack?: (answer: JoinAck) => void]
      | [room: string, position: Position | "now", ack?: (answer: JoinAck) => void]
  ) => void;
  leave_room: (room: string, ack?: (answer: LeaveAck) => void) => void;
  ping: () => void;
  /** Services only. */
  publish: (request: PublishRequest, ack?: (answer: PublishAck) => void) => void;
"""

HANDLERS: Final = """\
/** What a client tells about its own connection. */
export interface ConnectionEvents {
  connect: () => void;
  disconnect: (reason: string) => void;
  connect_error: (error: Error) => void;
  reconnect: (attemptNumber: number) => void;
  reconnect_attempt: (attemptNumber: number) => void;
  reconnect_error: (error: Error) => void;
  reconnect_failed: () => void;
}

/** Every event of either direction; what is received goes before what is sent. */
export type SocketEvents = ServerToClientEvents &
  ConnectionEvents &
  Omit<ClientToServerEvents, keyof ServerToClientEvents>;

/** A function that takes an event. */
export type EventHandler<T extends keyof SocketEvents> = (
  ...args: Parameters<SocketEvents[T]>
) => void;
"""

RULES: Final = """\
/** How entries of a log merge. */
export type Conflation =
  | { readonly rule: "latest"; readonly key: readonly string[] }
  | { readonly rule: "concat"; readonly field: string; readonly key: readonly string[] };

/** Where an event belongs, who may send it, and how its entries merge. */
export interface EventRule {
  /** The room that its own members tell. */
  readonly room: string | null;
  readonly origin: "server" | "client" | "both";
  readonly conflate: Conflation | null;
}
"""
