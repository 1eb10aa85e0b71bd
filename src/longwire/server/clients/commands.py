"""The commands of the wire: auth, client:health, join_room, leave_room, ping and publish.

docs/reference/wire.md specifies them. A command raises `LongwireError` to reject the request.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from longwire.clock import clock
from longwire.connection.events import EventReceived
from longwire.errors import (
    AuthenticationError,
    InvalidEvent,
    InvalidRoom,
    RoomDenied,
)
from longwire.server.access.authentication import Identity
from longwire.server.access.fingerprints import Fingerprints
from longwire.server.access.publish_rules import PublishRules
from longwire.server.access.revocations import Revocations
from longwire.server.access.rules import RoomRules
from longwire.server.clients.socket import Socket
from longwire.server.errors import InvalidPosition, TooManyRooms, fault_of, find_unknown_member
from longwire.server.limits import Limits
from longwire.server.rooms.hub import Hub, Joined
from longwire.server.statistics import Statistics
from longwire.types import Position
from longwire.wire import (
    AUTH,
    AUTH_ERROR,
    CLIENT_HEALTH,
    JOIN_ROOM,
    LEAVE_ROOM,
    MAX_HEALTH_REPORT,
    PING,
    PONG,
    PUBLISH,
    READ_VALUE,
    ROOM_ERROR,
    Ack,
    AuthAck,
    ClientHealth,
    JoinAck,
    LeaveAck,
    Message,
    Pong,
    PublishAck,
    PublishRequest,
    RoomError,
    ValueAck,
    ValueRequest,
    encode,
)

Answer = Callable[[Message], None]
"""Sends the acknowledgement, if the client asked for one."""


class Services(NamedTuple):
    """The parts of a server that requests of clients use.

    Attributes:
        hub: the rooms of this node.
        rules: decide who may join a room.
        publish_rules: decide what a user may publish.
        limits: limits on what one client may use.
        fingerprints: record the contracts that clients were built for.
        authenticate: returns the identity of a token, or raises `AuthenticationError`.
        publish: publishes an event.
        read_value: returns the newest value of an event in a room, given its name and key.
        revocations: refuse an identity that was revoked since it was authenticated.
        statistics: counts sign-ins and the ends of connections.
    """

    hub: Hub
    rules: RoomRules
    publish_rules: PublishRules
    limits: Limits
    fingerprints: Fingerprints
    authenticate: Callable[[str], Awaitable[Identity]]
    publish: Callable[[PublishRequest], Awaitable[tuple[str, Position, int | None]]]
    read_value: Callable[[str, str, tuple[object, ...]], Awaitable[tuple[Position, bytes] | None]]
    revocations: Revocations
    statistics: Statistics

    def granted_rooms(self, identity: Identity) -> list[str]:
        """Return the rooms that signing in grants: the user's own, and the global one."""
        rooms = (f"user:{identity.user_id}", "global")
        return [room for room in rooms if self.rules.is_declared(room)]


Command = Callable[[Services, Socket, EventReceived, Answer], Awaitable[None]]


async def auth(server: Services, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Replace the token of a connection, and leave the rooms that the new one does not allow."""
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
    rooms = server.granted_rooms(socket.identity)
    socket.welcome(rooms)
    answer(AuthAck(user_id=identity.user_id, rooms=tuple(rooms)))


async def leave_denied_rooms(rules: RoomRules, hub: Hub, socket: Socket) -> None:
    """Remove a socket from the rooms that its identity may not be in, and send it `room_error`."""
    for room in sorted(socket.rooms):
        try:
            await rules.check(socket.identity, room)
        except (RoomDenied, InvalidRoom) as error:
            await hub.leave(socket, room)
            socket.exit(room)
            socket.emit(ROOM_ERROR, encode(RoomError(room=room, error=fault_of(error))))


async def join_room(server: Services, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Add the socket to a room and replay what it has not received; answer before the replay."""
    args = event.values()
    room = _room_in(args)
    since = parse_position(args[1] if len(args) > 1 else None)
    longest, most = server.limits.room_name_length, server.limits.rooms_per_socket
    if len(room) > longest:
        raise InvalidRoom(room, f"room names have at most {longest} characters, got {len(room)}")
    if room not in socket.rooms and len(socket.rooms) >= most:
        raise TooManyRooms(f"a connection may be in at most {most} rooms; leave one first")
    await server.rules.check(socket.identity, room)

    def acknowledge(joined: Joined) -> None:
        end = joined.position
        if room not in socket.rooms or isinstance(since, Position):
            socket.enter(room, starting_position(since, joined))
        recovered = joined.recovered
        answer(JoinAck(room=room, epoch=end.epoch, offset=end.offset, recovered=recovered))

    await server.hub.join(socket, room, since, acknowledge)
    if not socket.is_open:
        await server.hub.leave(socket, room)


def starting_position(since: Position | Literal["now"] | None, joined: Joined) -> Position:
    """Return the position from which a new member receives events."""
    if since == "now":
        return joined.position
    if since is not None and joined.recovered:
        return since
    return Position(joined.position.epoch, 0)


def parse_position(value: object) -> Position | Literal["now"] | None:
    """Return the position that a client sent.

    A position of another epoch is valid; the client then does not recover.

    Raises:
        InvalidPosition: it is malformed.
    """
    if value is None:
        return None
    if value == "now":
        return "now"
    try:
        return msgspec.convert(value, Position)
    except msgspec.ValidationError as error:
        raise InvalidPosition(
            f'a position must be "now" or {{"epoch": string, "offset": integer}}: {error}'
        ) from None


async def leave_room(
    server: Services, socket: Socket, event: EventReceived, answer: Answer
) -> None:
    """Remove the socket from a room; succeeds if it is not a member."""
    room = _room_in(event.values())
    socket.exit(room)
    await server.hub.leave(socket, room)
    answer(LeaveAck(room=room))


def _room_in(args: Sequence[object]) -> str:
    room = args[0] if args else None
    if not isinstance(room, str):
        raise InvalidRoom("", "room must be a string")
    return room


async def ping(server: Services, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Send the server's clock, as the event `pong` and as the acknowledgement."""
    pong = Pong(timestamp=int(clock.time() * 1000))
    socket.emit(PONG, encode(pong))
    answer(pong)


async def publish(server: Services, socket: Socket, event: EventReceived, answer: Answer) -> None:
    """Publish an event for a service, or as a publish rule allows; answer when it is in the log."""
    server.publish_rules.check_any(socket.identity)
    try:
        request = msgspec.json.decode(event.args[0] if event.args else b"null", type=PublishRequest)
    except msgspec.MsgspecError as error:
        unknown = find_unknown_member(error) if isinstance(error, msgspec.ValidationError) else None
        raise unknown or InvalidEvent(PUBLISH, "$", str(error)) from None
    admitted = await server.publish_rules.admit(socket.identity, request)
    if not socket.identity.service:
        server.revocations.check(socket.identity)  # the rule may have taken long
    room, position, attempt = await server.publish(admitted)
    answer(PublishAck(room=room, epoch=position.epoch, offset=position.offset, attempt=attempt))


async def read_value(
    server: Services, socket: Socket, event: EventReceived, answer: Answer
) -> None:
    """Send the newest value of an event in a room that the client may join."""
    try:
        request = msgspec.json.decode(event.args[0] if event.args else b"null", type=ValueRequest)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(READ_VALUE, "$", str(error)) from None
    await server.rules.check(socket.identity, request.room)
    found = await server.read_value(request.room, request.event, request.key)
    if found is None:
        answer(ValueAck(room=request.room))
        return
    position, data = found
    answer(
        ValueAck(
            room=request.room,
            epoch=position.epoch,
            offset=position.offset,
            value=msgspec.Raw(data),
        )
    )


async def client_health(
    server: Services, socket: Socket, event: EventReceived, answer: Answer
) -> None:
    """Keep the newest report about a connection; ignore those that come too soon."""
    data = event.args[0] if event.args else b"null"
    if len(data) > MAX_HEALTH_REPORT:
        raise InvalidEvent(CLIENT_HEALTH, "$", f"a report has at most {MAX_HEALTH_REPORT} bytes")
    try:
        socket.receive_health(msgspec.json.decode(data, type=ClientHealth), clock.monotonic())
    except msgspec.MsgspecError as error:
        raise InvalidEvent(CLIENT_HEALTH, "$", str(error)) from None
    answer(Ack())


COMMANDS: dict[str, Command] = {
    AUTH: auth,
    CLIENT_HEALTH: client_health,
    JOIN_ROOM: join_room,
    LEAVE_ROOM: leave_room,
    PING: ping,
    PUBLISH: publish,
    READ_VALUE: read_value,
}
