"""The wire: every event name and every message that Longwire adds to Socket.IO.

This module is the only declaration of docs/reference/wire.md. The server encodes these types, the
clients decode them, and `longwire.codegen` writes them as TypeScript. Names and fields are fixed:
clients outside this repository rely on them.

A reader is tolerant: fields have defaults, and unknown fields are ignored, except in requests to
publish and in positions. Defaults other than None are sent (see `Record`). Answers have the field
`ok`; where it is false, `error` is the reason.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import field

from longwire.record import Record
from longwire.types import Position

AUTH: Final = "auth"
AUTHENTICATED: Final = "authenticated"
AUTH_ERROR: Final = "auth_error"
AUTH_EXPIRING: Final = "auth_expiring"
CLIENT_HEALTH: Final = "client:health"
CLOSING: Final = "closing"
EVENT_ERROR: Final = "event_error"
JOIN_ROOM: Final = "join_room"
LEAVE_ROOM: Final = "leave_room"
PING: Final = "ping"
PONG: Final = "pong"
PUBLISH: Final = "publish"
READ_VALUE: Final = "read_value"
ROOM_ERROR: Final = "room_error"
ROOM_RESET: Final = "room_reset"


class Fault(Record):
    """Why a request was rejected.

    Attributes:
        code: a stable error code.
        message: one sentence for a person.
        path: the JSON path of the invalid field, for `invalid_event` and `invalid_request`.
        attempt: the job's current attempt, for the code `stale_attempt`.
        position: where the current value is, for the code `conflict`; absent if there is none.
        value: the current value, for the code `conflict`.
    """

    code: str = "refused"
    message: str = ""
    path: str | None = None
    attempt: int | None = None
    position: Position | None = None
    value: object = None


# Sign-in


class Credentials(Record):
    """The payload of CONNECT.

    Attributes:
        token: identifies the client.
        positions: whether the server sends each logged event with its position.
        contract: fingerprint of the client's contract; other values are ignored.
        pid: private id of the connection to recover, for stock clients.
        offset: the last offset that a recovering stock client received.
    """

    token: str | None = None
    positions: bool = False
    contract: object = None
    pid: str | None = None
    offset: str | None = None


class ConnectError(Record):
    """The `data` of CONNECT_ERROR.

    Attributes:
        code: a stable error code.
    """

    code: str = "refused"


class Authenticated(Record):
    """The event `authenticated`: the client has signed in, or replaced its token.

    Attributes:
        user_id: the user that the token belongs to.
        rooms: the rooms that signing in grants.
        contract: fingerprint of the server's contract, if it differs from the client's.
    """

    user_id: str = ""
    rooms: tuple[str, ...] = ()
    contract: str | None = None


class AuthExpiring(Record):
    """The event `auth_expiring`: the token expires soon; send another with `auth`.

    Attributes:
        expires_in: seconds until it expires.
    """

    expires_in: float = 0.0


class Closing(Record):
    """The event `closing`: the server is about to end the connection.

    Attributes:
        reason: a code of `longwire.reasons`.
        message: one sentence for a person.
        reconnect: whether the client should connect again.
        retry_after: seconds to wait before that.
    """

    reason: str = ""
    message: str = ""
    reconnect: bool = True
    retry_after: float = 0.0


class Pong(Record):
    """The event `pong` and the answer to `ping`.

    Attributes:
        timestamp: the server's clock, in milliseconds since the Unix epoch.
    """

    timestamp: float = 0


# Rooms


class RoomError(Record):
    """The event `room_error`, and the answer to `join_room` and `leave_room` when rejected.

    Attributes:
        ok: always false.
        room: the room, or null if the request did not name one.
        error: why the client is not in the room.
    """

    ok: bool = False
    room: str | None = field(default_factory=lambda: None)  # null is sent
    error: Fault = Fault()


class RoomReset(Record):
    """The event `room_reset`: the room's log started over, and is about to be replayed.

    Attributes:
        room: the room.
        epoch: the incarnation of the new log.
        offset: the end of the new log.
    """

    room: str = ""
    epoch: str = ""
    offset: int = 0


class JoinAck(Record):
    """The answer to `join_room`.

    Attributes:
        ok: whether the client is in the room.
        room: the room.
        epoch: the incarnation of the room's log.
        offset: the end of the log, up to which events are replayed.
        recovered: whether the client continues exactly at the position that it sent.
    """

    ok: bool = True
    room: str = ""
    epoch: str = ""
    offset: int = 0
    recovered: bool = False


class LeaveAck(Record):
    """The answer to `leave_room`.

    Attributes:
        ok: true; the client is not in the room.
        room: the room.
    """

    ok: bool = True
    room: str = ""


# Other answers, and publishing


class Ack(Record):
    """An answer without a value; every answer can be read as one.

    Attributes:
        ok: whether the request succeeded.
        error: why it did not.
    """

    ok: bool = True
    error: Fault | None = None


class AuthAck(Record):
    """The answer to `auth`.

    Attributes:
        ok: whether the new token is in use.
        user_id: the user that it belongs to.
        rooms: the rooms that it grants.
    """

    ok: bool = True
    user_id: str = ""
    rooms: tuple[str, ...] = ()


AttemptNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class PublishRequest(
    msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A publication, as clients send it with `publish` and with POST /api/publish.

    Unknown members are refused: a mistyped `id` must not make a retry unsafe without notice.

    Attributes:
        event: name of a declared event.
        data: the payload, as JSON.
        room: the room, where the payload does not determine it.
        id: makes a retry safe: the same id in the same room is appended once.
        attempt: the attempt of a job to which the event belongs. With `job:created` it begins that
            attempt for the sending worker; `"next"` lets the server choose the number.
        expect: append only if the newest entry of the same event and key is at this position, or,
            if null, does not exist.
        volatile: skip the log and deliver at most once.
    """

    event: str
    data: msgspec.Raw
    room: str | None = None
    id: str | None = None
    attempt: AttemptNumber | Literal["next"] | None = None
    expect: Position | msgspec.UnsetType | None = msgspec.UNSET
    volatile: bool = False


class PublishAck(Record):
    """The answer to `publish`, and to client events that are appended to a log.

    Attributes:
        ok: whether the event was published.
        room: the room to which it went.
        epoch: the incarnation of the room's log.
        offset: its offset in the log.
        attempt: the attempt to which it belongs, if the request named one or began one.
        error: why it was not published.
    """

    ok: bool = True
    room: str | None = None
    epoch: str | None = None
    offset: int | None = None
    attempt: int | None = None
    error: Fault | None = None


class ValueRequest(Record):
    """The request of `read_value`: the newest value of an event with `Latest` or `Merge`.

    Attributes:
        room: the room.
        event: the event's name.
        key: the values of the fields of its key; in a room that the event does not declare, those
            of the declared room's parameters come first.
    """

    room: str = ""
    event: str = ""
    key: tuple[object, ...] = ()


class ValueAck(Record):
    """The answer to `read_value`.

    Attributes:
        ok: whether the value was read.
        room: the room.
        epoch: the incarnation of the room's log; absent if there is no value.
        offset: the offset of the value's entry; absent if there is no value.
        value: the payload; absent if there is no value.
        error: why it was not read.
    """

    ok: bool = True
    room: str | None = None
    epoch: str | None = None
    offset: int | None = None
    value: object = None
    error: Fault | None = None


class EventError(Record):
    """The event `event_error`: an event that asked for no answer was rejected.

    Attributes:
        ok: always false.
        event: the name of the rejected event.
        error: why it was rejected.
    """

    ok: bool = False
    event: str = ""
    error: Fault = Fault()


# Health


Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]

# Bytes of a report: three times what one needs.
MAX_HEALTH_REPORT: Final = 512

# Seconds between two reports of one connection; the server ignores those that come sooner.
HEALTH_REPORT_INTERVAL: Final = 30.0


class ClientHealth(Record):
    """The event `client:health`: how the connection fares, from a client that opted in.

    It is sent at most once a minute, and once after each recovered connection. It has at most 512
    bytes of JSON, and contains neither addresses nor names.

    Attributes:
        cause: why it is sent now.
        client: which library the client is.
        version: the version of the library.
        transport: the transport in use.
        quality: the quality of the connection, as the client shows it.
        round_trip_p50_ms: median of the last hundred round trips.
        round_trip_p99_ms: their 99th percentile.
        jitter_ms: mean difference between successive round trips.
        missed: heartbeats that were not answered in time, since the client was created.
        drops: connections that were lost, since then.
        reconnects: connections that followed a lost one.
        recovery_p50_ms: median time from a loss to the next connection.
        recovery_p99_ms: its 99th percentile.
        resumed: rooms that continued at their position.
        reset: rooms whose log had to be read again from its beginning.
        unsent: events that wait to be sent now.
    """

    cause: Literal["periodic", "recovered"] = "periodic"
    client: Literal["python", "typescript"] = "python"
    version: Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[0-9A-Za-z.+-]*\Z")] = ""
    transport: Literal["websocket", "polling"] | None = None
    quality: Literal["excellent", "good", "fair", "poor", "lost"] = "good"
    round_trip_p50_ms: Count | None = None
    round_trip_p99_ms: Count | None = None
    jitter_ms: Count | None = None
    missed: Count = 0
    drops: Count = 0
    reconnects: Count = 0
    recovery_p50_ms: Count | None = None
    recovery_p99_ms: Count | None = None
    resumed: Count = 0
    reset: Count = 0
    unsent: Count = 0


SERVER_EVENTS: Final[Mapping[str, type]] = {
    AUTHENTICATED: Authenticated,
    AUTH_ERROR: str,
    AUTH_EXPIRING: AuthExpiring,
    CLOSING: Closing,
    EVENT_ERROR: EventError,
    PONG: Pong,
    ROOM_ERROR: RoomError,
    ROOM_RESET: RoomReset,
}
"""What the server sends beside the contract's events: the type of each payload."""

CLIENT_EVENTS: Final[Mapping[str, type]] = {
    AUTH: AuthAck,
    CLIENT_HEALTH: Ack,
    JOIN_ROOM: JoinAck,
    LEAVE_ROOM: LeaveAck,
    PING: Pong,
    PUBLISH: PublishAck,
    READ_VALUE: ValueAck,
}
"""What clients send beside the contract's events: the type of each answer, if not rejected."""

EVENT_NAMES: Final = frozenset(SERVER_EVENTS) | frozenset(CLIENT_EVENTS)
"""Names that no event of a contract may have."""

Message = Record | PublishRequest

_encode: Final = msgspec.json.Encoder().encode


def encode(message: Message) -> msgspec.Raw:
    """Encode a message for `socketio`, which passes it on without looking for binary data."""
    return msgspec.Raw(_encode(message))
