"""The events that every server understands: auth, join_room, leave_room, ping, publish.

Their names, arguments and answers are the wire's (docs/wire.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from longwire.clock import clock
from longwire.connection import EventReceived
from longwire.errors import (
    AuthenticationError,
    InvalidEvent,
    InvalidRoom,
    LongwireError,
    PublishDenied,
    RoomDenied,
)
from longwire.server.clients.socket import Socket
from longwire.server.errors import message_of
from longwire.types import Position

if TYPE_CHECKING:
    from longwire.server.access.authentication import Identity
    from longwire.server.access.fingerprints import Fingerprints
    from longwire.server.access.rules import RoomRules
    from longwire.server.limits import Limits
    from longwire.server.rooms.hub import Hub, Joined

Answer = Callable[[Mapping[str, object]], None]


class PublishRequest(msgspec.Struct):
    """What a service publishes; the body of the event `publish` and of POST /api/publish.

    Attributes:
        event: wire name of a declared event.
        data: its payload.
        room: the room, where the event does not tell it.
        id: makes a retry safe: the same id in the same room is appended once.
        volatile: skip the log; at most once.
    """

    event: str
    data: msgspec.Raw
    room: str | None = None
    id: str | None = None
    volatile: bool = False


class Backend(Protocol):
    """What the commands need from the server."""

    @property
    def hub(self) -> Hub:
        """The rooms of this node."""
        ...

    @property
    def rules(self) -> RoomRules:
        """Who may join what."""
        ...

    @property
    def limits(self) -> Limits:
        """What a peer may cost."""
        ...

    @property
    def fingerprints(self) -> Fingerprints:
        """Which contracts the clients were built for."""
        ...

    async def authenticate(self, token: str) -> Identity:
        """Return whom a token speaks for, or raise AuthenticationError."""
        ...

    async def publish_data(
        self,
        event: str,
        data: bytes,
        *,
        room: str | None = None,
        id: str | None = None,
        volatile: bool = False,
    ) -> tuple[str, Position]:
        """Publish a payload in JSON."""
        ...


def failure(error: LongwireError, **more: object) -> dict[str, object]:
    """Return the answer that says no, naming the fault."""
    described: dict[str, object] = {"code": error.code, "message": message_of(error)}
    if isinstance(error, InvalidEvent):
        described["path"] = error.path
    return {"ok": False, **more, "error": described}


class TooManyRooms(LongwireError):
    """A socket is in as many rooms as it may be."""

    code = "too_many_rooms"


class InvalidPosition(LongwireError):
    """A position that is neither `"now"` nor `{"epoch", "offset"}`."""

    code = "invalid_position"


Command = Callable[[Backend, Socket, EventReceived, Answer], Awaitable[None]]


async def auth(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Replace the token in place; rooms that it no longer allows are left."""
    args = event.values()
    token = args[0] if args and isinstance(args[0], str) else ""
    try:
        identity = await server.authenticate(token)
        if identity.user_id != socket.identity.user_id:
            raise AuthenticationError("token belongs to another user", "another_user")
    except AuthenticationError as error:
        socket.emit("auth_error", str(error))
        answer(failure(error))
        return
    socket.replace_identity(identity)
    await leave_denied_rooms(server.rules, server.hub, socket)
    rooms = granted_rooms(server, socket.identity)
    socket.welcome(rooms)
    answer({"ok": True, "userId": identity.user_id, "rooms": rooms})


def granted_rooms(server: Backend, identity: Identity) -> list[str]:
    """Return the rooms that sign-in grants: the user's own and the global one."""
    return [
        room for room in (f"user:{identity.user_id}", "global") if server.rules.is_declared(room)
    ]


async def leave_denied_rooms(rules: RoomRules, hub: Hub, socket: Socket) -> None:
    """Remove a socket from the rooms that its identity may not be in, and send it `room_error`."""
    for room in sorted(socket.rooms):
        try:
            await rules.check(socket.identity, room)
        except (RoomDenied, InvalidRoom) as error:
            await hub.leave(socket, room)
            socket.exit(room)
            socket.emit("room_error", failure(error, room=room))


async def join_room(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Make the socket a member and replay what it has not seen."""
    args = event.values()
    room = args[0] if args else None
    try:
        await _join(server, socket, room, args[1] if len(args) > 1 else None, answer)
    except LongwireError as error:
        refusal = failure(error, room=room if isinstance(room, str) else None)
        answer(refusal)


async def _join(
    server: Backend, socket: Socket, room: object, position: object, answer: Answer
) -> None:
    if not isinstance(room, str):
        raise InvalidRoom("", "room must be a string")
    since = parse_position(position)
    if len(room) > server.limits.room_name_length:
        raise InvalidRoom(room, "room name is too long")
    if room not in socket.rooms and len(socket.rooms) >= server.limits.rooms_per_socket:
        raise TooManyRooms(f"at most {server.limits.rooms_per_socket} rooms a connection")
    await server.rules.check(socket.identity, room)

    def acknowledge(joined: Joined) -> None:
        position = joined.position
        if room not in socket.rooms or isinstance(since, Position):
            socket.enter(room, starting_position(since, joined))
        answer(
            {
                "ok": True,
                "room": room,
                "epoch": position.epoch,
                "offset": position.offset,
                "recovered": joined.recovered,
            }
        )

    await server.hub.join(socket, room, since, acknowledge)
    if not socket.is_open:
        await server.hub.leave(socket, room)


def starting_position(since: Position | Literal["now"] | None, joined: Joined) -> Position:
    """Return where a member that joined is fed from."""
    if since == "now":
        return joined.position
    if since is not None and joined.recovered:
        return since
    return Position(joined.position.epoch, 0)


def parse_position(value: object) -> Position | Literal["now"] | None:
    """Return the position that a client gave.

    Raises:
        InvalidPosition: it is malformed; one of another log is not, it is only not recovered.
    """
    if value is None:
        return None
    if value == "now":
        return "now"
    try:
        return msgspec.convert(value, Position)
    except msgspec.ValidationError:
        raise InvalidPosition(
            'a position is "now" or {"epoch": string, "offset": integer}'
        ) from None


async def leave_room(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """End a membership; leaving a room that one is not in succeeds."""
    args = event.values()
    room = args[0] if args else None
    if not isinstance(room, str):
        answer(failure(InvalidRoom("", "room must be a string"), room=None))
        return
    socket.exit(room)
    await server.hub.leave(socket, room)
    answer({"ok": True, "room": room})


async def ping(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Answer with the server's clock, in milliseconds."""
    pong = {"timestamp": int(clock.time() * 1000)}
    socket.emit("pong", pong)
    answer(pong)


async def publish(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Publish for a service; answered when the event is in the log."""
    try:
        if not socket.identity.service:
            raise PublishDenied
        body = event.args[0] if event.args else b"null"
        room, position = await publish_body(server, body)
    except LongwireError as error:
        answer(failure(error))
    else:
        answer({"ok": True, "room": room, "epoch": position.epoch, "offset": position.offset})


async def publish_body(server: Backend, body: bytes | msgspec.Raw) -> tuple[str, Position]:
    """Publish what a PublishRequest in JSON asks for.

    Raises:
        InvalidEvent: the request itself is malformed.
        LongwireError: whatever publishing raises.
    """
    try:
        request = msgspec.json.decode(body, type=PublishRequest)
    except msgspec.MsgspecError as error:
        raise InvalidEvent("publish", "$", str(error)) from None
    return await server.publish_data(
        request.event,
        bytes(request.data),
        room=request.room,
        id=request.id,
        volatile=request.volatile,
    )


COMMANDS: dict[str, Command] = {
    "auth": auth,
    "join_room": join_room,
    "leave_room": leave_room,
    "ping": ping,
    "publish": publish,
}
REPORTED_BY_EVENT = {"join_room": "room_error", "leave_room": "room_error"}
"""Where a refusal goes when the client asked for no acknowledgement."""
