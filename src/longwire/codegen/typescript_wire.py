"""The part of the TypeScript that is the same for every contract: Longwire's own wire."""

from typing import Final

from msgspec.structs import replace

from longwire import wire
from longwire.codegen.printing import print_doc, print_key, print_node, print_type
from longwire.schema.describe import describe_types
from longwire.schema.description import Choice, Field, NamedType, ObjectType
from longwire.types import Position

WIRE_TYPES: Final = describe_types(
    Position,
    wire.Fault,
    wire.Credentials,
    wire.PublishRequest,
    wire.ValueRequest,
    wire.ClientHealth,
    *(payload for payload in wire.SERVER_EVENTS.values() if payload is not str),
    *wire.CLIENT_EVENTS.values(),
)
"""The named types of `longwire.wire`."""

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
        "RegisteredContract",
        "Room",
        "ServerToClientEvents",
        "SocketEvents",
        *WIRE_TYPES,
    }
)
"""Names that types of a contract must not have."""

_TYPES: Final = """\
/** What a connection is doing. */
export type ConnectionState =
  | "disconnected"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "error";

/** A payload to send: the timestamp, and members with a default, may be left out. */
export type Draft<T, Defaults extends keyof T = never> = Omit<T, "timestamp" | Defaults> &
  Partial<Pick<T, Defaults | ("timestamp" & keyof T)>>;
"""

CLIENT_EVENTS: Final = """\
  /** Replaces the token in place; the server also sends `authenticated` or `auth_error`. */
  auth: (token: string, ack?: (answer: AuthAck) => void) => void;
  /** Reports the health of the connection; `longwire/health` sends it if asked to. */
  "client:health": (report: ClientHealth, ack?: (answer: Ack) => void) => void;
  /** Resumes at a position; `"now"` skips history; without one, the retained log is replayed. */
  join_room: (
    ...args:
      | [room: string, ack?: (answer: JoinAck) => void]
      | [room: string, position: Position | "now", ack?: (answer: JoinAck) => void]
  ) => void;
  /** Ends the membership; leaving a room that the client is not in succeeds, too. */
  leave_room: (room: string, ack?: (answer: LeaveAck) => void) => void;
  /** Measures the round trip; the server also sends `pong`. */
  ping: (ack?: (answer: Pong) => void) => void;
  /** Requires a token with the scope `service`, or a publish rule that allows the event. */
  publish: (request: PublishRequest, ack?: (answer: PublishAck) => void) => void;
  /** Reads the newest value of an event with the rule `latest` or `merge`, with its position. */
  read_value: (request: ValueRequest, ack?: (answer: ValueAck) => void) => void;
"""

HANDLERS: Final = """\
/** Events that a client emits about its own connection. */
export interface ConnectionEvents {
  /** The client is signed in, and its rooms are resumed. */
  connect: () => void;
  /** The connection is closed or lost. */
  disconnect: (reason: string) => void;
  /** The server cannot be reached, or rejected the client. */
  connect_error: (error: Error) => void;
  /** The client is connected again. */
  reconnect: (attemptNumber: number) => void;
  /** An attempt to reconnect starts. */
  reconnect_attempt: (attemptNumber: number) => void;
  /** An attempt to reconnect failed. */
  reconnect_error: (error: Error) => void;
  /** The client gave up reconnecting. */
  reconnect_failed: () => void;
}

/** Every event of either direction; a received event wins over a sent one of the same name. */
export type SocketEvents = ServerToClientEvents &
  ConnectionEvents &
  Omit<ClientToServerEvents, keyof ServerToClientEvents>;

/** A function that handles an event. */
export type EventHandler<T extends keyof SocketEvents> = (
  ...args: Parameters<SocketEvents[T]>
) => void;
"""

RULES: Final = """\
/** How entries of a log merge. */
export type Conflation =
  | { readonly rule: "latest"; readonly key: readonly string[] }
  | { readonly rule: "concat"; readonly field: string; readonly key: readonly string[] }
  /** A sent payload is a patch (RFC 7396); a received one is the merged value. */
  | { readonly rule: "merge"; readonly key: readonly string[] };

/** The room of an event, the side that may send it, and how its entries merge. */
export interface EventRule {
  /** The room that the payload determines. */
  readonly room: string | null;
  readonly origin: "server" | "client" | "both";
  readonly conflate: Conflation | null;
}
"""

REGISTRATION: Final = """\
/** The types of this contract, for the npm package longwire. */
export interface RegisteredContract {
  received: ServerToClientEvents;
  sent: ClientToServerEvents;
  events: typeof EVENTS;
}

declare module "longwire" {
  /** Types every client and hook of the application by this contract. */
  interface Register {
    contract: RegisteredContract;
  }
}
"""


def _print_wire_type(described: NamedType) -> str:
    """Print a type of the wire; a message that has `ok` is a union of success and rejection."""
    if not isinstance(described, ObjectType) or described.fields[0].name != "ok":
        return print_type(described)
    fields = {field.name: field for field in described.fields[1:]}
    error = fields.pop("error", None)
    if error is not None and not error.is_optional:  # a message that only rejects
        rejected = replace(described.fields[0], type=Choice((False,)))
        return print_type(replace(described, fields=(rejected, *described.fields[1:])))
    success = "; ".join(["ok: true", *map(_print_member, fields.values())])
    rejection = "{ ok: false; error: Fault }"
    if "room" in fields:
        is_optional = fields["room"].is_optional
        rejection = "{ ok: false; room?: string; error: Fault }" if is_optional else "RoomError"
    union = f"\n  | {{ {success} }}\n  | {rejection};\n"
    return f"{print_doc(described.doc)}export type {described.name} ={union}"


def _print_server_event(name: str, payload: type) -> str:
    """Print the signature of a handler for an event that the server sends."""
    described = WIRE_TYPES.get(payload.__name__)
    if described is None:
        return f"{print_doc('The token was rejected.', '  ')}  {name}: (error: string) => void;\n"
    return f"{print_doc(described.doc, '  ')}  {name}: (data: {described.name}) => void;\n"


def _print_member(field: Field) -> str:
    mark = "?" if field.is_optional else ""
    return f"{print_key(field.name)}{mark}: {print_node(field.type)}"


WIRE: Final = "\n".join([_TYPES, *map(_print_wire_type, WIRE_TYPES.values())])

SERVER_EVENTS: Final = "".join(
    _print_server_event(name, payload) for name, payload in wire.SERVER_EVENTS.items()
)
