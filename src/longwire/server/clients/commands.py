"""The events that every server understands: auth, join_room, leave_room, ping, publish.

Their names, arguments and answers are the wire's (docs/reference/wire.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
from longwire.server.errors import fault_of
from longwire.types import Position
from longwire.wire import (
    AUTH,
    AUTH_ERROR,
    JOIN_ROOM,
    LEAVE_ROOM,
    PING,
    PONG,
    PUBLISH,
    ROOM_ERROR,
    AuthAck,
    JoinAck,
    LeaveAck,
    Message,
    Pong,
    PublishAck,
    PublishRequest,
    RoomError,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longwire.server.access.authentication import Identity
    from longwire.server.access.fingerprints import Fingerprints
    from longwire.server.access.rules import RoomRules
    from longwire.server.limits import Limits
    from longwire.server.rooms.hub import Hub, Joined

Answer = Callable[[Message], None]
"""Acknowledges a command, if the client asked for that."""


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
        socket.emit(AUTH_ERROR, str(error))
        raise
    socket.replace_identity(identity)
    await leave_denied_rooms(server.rules, server.hub, socket)
    rooms = granted_rooms(server, socket.identity)
    socket.welcome(rooms)
    answer(AuthAck(user_id=identity.user_id, rooms=tuple(rooms)))


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
            socket.emit(ROOM_ERROR, encode(RoomError(room=room, error=fault_of(error))))


async def join_room(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Make the socket a member and replay what it has not seen."""
    args = event.values()
    room = _room_in(args)
    since = parse_position(args[1] if len(args) > 1 else None)
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
            JoinAck(
                room=room,
                epoch=position.epoch,
                offset=position.offset,
                recovered=joined.recovered,
            )
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
    room = _room_in(event.values())
    socket.exit(room)
    await server.hub.leave(socket, room)
    answer(LeaveAck(room=room))


def _room_in(args: Sequence[object]) -> str:
    room = args[0] if args else None
    if not isinstance(room, str):
        raise InvalidRoom("", "room must be a string")
    return room


async def ping(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Answer with the server's clock, in milliseconds."""
    pong = Pong(timestamp=int(clock.time() * 1000))
    socket.emit(PONG, encode(pong))
    answer(pong)


async def publish(server: Backend, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Publish for a service; answered when the event is in the log."""
    if not socket.identity.service:
        raise PublishDenied
    try:
        request = msgspec.json.decode(event.args[0] if event.args else b"null", type=PublishRequest)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(PUBLISH, "$", str(error)) from None
    room, position = await server.publish_data(
        request.event,
        bytes(request.data),
        room=request.room,
        id=request.id,
        volatile=request.volatile,
    )
    answer(PublishAck(room=room, epoch=position.epoch, offset=position.offset))


COMMANDS: dict[str, Command] = {
    AUTH: auth,
    JOIN_ROOM: join_room,
    LEAVE_ROOM: leave_room,
    PING: ping,
    PUBLISH: publish,
}
