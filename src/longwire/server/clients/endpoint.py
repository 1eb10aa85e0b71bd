"""Every session of this node: how it begins, what its events do, how it ends."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter, deque
from functools import lru_cache
from ipaddress import ip_address
from sys import intern
from typing import TYPE_CHECKING, Literal

import msgspec

from longwire.background import is_cancelled
from longwire.clock import clock
from longwire.connection import (
    AckReceived,
    Connection,
    ConnectionOptions,
    ConnectRequested,
    EventReceived,
)
from longwire.engineio import ServerSession
from longwire.errors import (
    AuthenticationError,
    BrokerUnavailable,
    ConfigurationError,
    LocalProtocolError,
    LongwireError,
    RemoteProtocolError,
)
from longwire.reasons import (
    CLIENT_DISCONNECT,
    SERVER_SHUTDOWN,
    TOO_SLOW,
    TRANSPORT_CLOSED,
    TRANSPORT_ERROR,
    DisconnectReason,
)
from longwire.server.clients.commands import (
    COMMANDS,
    Backend,
    Command,
    granted_rooms,
)
from longwire.server.clients.socket import Socket
from longwire.server.errors import fault_of
from longwire.server.session.deadlines import Deadlines
from longwire.server.session.session import Session
from longwire.server.session.task_pool import TaskPool
from longwire.wire import (
    EVENT_ERROR,
    JOIN_ROOM,
    LEAVE_ROOM,
    ROOM_ERROR,
    Ack,
    ConnectError,
    Credentials,
    EventError,
    Fault,
    Message,
    RoomError,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longwire.engineio import Options, Transport
    from longwire.server.access.authentication import Identity
    from longwire.server.clients.handlers import Handlers
    from longwire.server.recovery.recovery import Recovery
    from longwire.server.rooms.hub import Joined
    from longwire.types import Position

logger = logging.getLogger("longwire.server")

# Bytes of an event whose handler waits, beside its arguments: a task, a coroutine and a context.
EVENT_OVERHEAD = 2_000


_CREDENTIALS = msgspec.json.Decoder(Credentials)


class TooManySessions(LongwireError):
    """There are as many sessions as there may be, of one address or before signing in."""

    code = "too_many_sessions"


class InternalError(LongwireError):
    """A handler failed; its exception is in the server's log."""

    code = "internal_error"


class Endpoint:
    """Owns the sessions; the only place that turns protocol events into calls."""

    def __init__(
        self,
        server: Backend,
        handlers: Handlers,
        options: Options,
        connection_options: ConnectionOptions,
        recovery: Recovery | None,
    ) -> None:
        self._server = server
        self._handlers = handlers
        self._options = options
        self._connection_options = connection_options
        self._recovery = recovery
        self._sessions: dict[str, Session] = {}
        self._sockets: dict[Session, Socket] = {}
        self._commands: dict[Socket, deque[tuple[Command, EventReceived, int]]] = {}
        self._addresses: Counter[str] = Counter()
        self._deadlines = Deadlines()
        self._tasks = TaskPool()

    @property
    def sockets(self) -> list[Socket]:
        """The connected clients of this node."""
        return list(self._sockets.values())

    @property
    def session_count(self) -> int:
        """How many sessions are open on this node."""
        return len(self._sessions)

    def session(self, sid: str) -> Session | None:
        """Return the open session of that name."""
        return self._sessions.get(sid)

    def open_session(self, transport: Transport, remote: str) -> Session:
        """Begin a session.

        Raises:
            TooManySessions: the address holds too many, or too many have not signed in yet.
        """
        if len(self._sessions) - len(self._sockets) >= self._server.limits.sessions_signing_in:
            raise TooManySessions("too many sessions that have not signed in")
        remote = intern(remote)  # kept once, not with every session
        self._count_address(remote)
        sid = secrets.token_urlsafe(16)  # the only proof that a request is of this session
        now = clock.monotonic()
        engine = ServerSession(sid, self._options, transport, now)
        session = Session(
            engine,
            Connection.server(engine, self._connection_options, now),
            self,
            self._deadlines,
            remote=remote,
            limits=self._server.limits,
        )
        self._sessions[sid] = session
        self._deadlines.watch(session)
        return session

    async def close(self) -> None:
        """Tell every client that the server restarts, and end every session."""
        for session in list(self._sessions.values()):
            self.receive_shutdown(session)
        await self._tasks.close()
        self._deadlines.close()
        if self._recovery is not None:
            await self._recovery.close()

    # SessionOwner

    def receive_connect(self, session: Session, request: ConnectRequested) -> None:
        """Sign a client in to the main namespace; there is no other."""
        if request.namespace != "/":
            session.connection.refuse(request.namespace, "Invalid namespace")
            return
        self._tasks.run(self._sign_in(session, request))

    def receive_event(self, session: Session, event: EventReceived) -> None:
        """Run a command in its turn, or an application's handler at once."""
        socket = self._sockets[session]
        cost = _cost(event)
        session.unhandled += cost
        command = COMMANDS.get(event.name)
        if command is None:
            self._tasks.run(self._handle(socket, event, cost))
            return
        queue = self._commands.get(socket)
        if queue is not None:
            queue.append((command, event, cost))
            return
        self._commands[socket] = deque([(command, event, cost)])
        self._tasks.run(self._run_commands(socket))

    def receive_ack(self, session: Session, ack: AckReceived) -> None:
        """Hand the answer to the call that waits for it."""
        try:
            self._sockets[session].receive_ack(ack.ack_id, ack.values())
        except RemoteProtocolError as error:
            session.engine.fail(error)

    def receive_disconnect(self, session: Session) -> None:
        """End the client's memberships; its session lives until the transport closes."""
        socket = self._sockets.get(session)
        if socket is not None:
            self._forget_socket(socket, can_return=False)

    def receive_drained(self, session: Session) -> None:
        """Feed the cursors of a client that takes data again."""
        socket = self._sockets.get(session)
        if socket is not None:
            self._server.hub.resume(socket, socket.rooms)

    def receive_shutdown(self, session: Session) -> None:
        """Tell a client that the server restarts, and end its session."""
        self._disconnect(session, SERVER_SHUTDOWN, self._server.limits.retry_after)

    def receive_stalled(self, session: Session) -> None:
        """Tell a client that it should come back and resume, and end its session.

        It hears that if it takes what waits for it soon.
        """
        self._disconnect(session, TOO_SLOW)

    def receive_closed(self, session: Session, reason: DisconnectReason) -> None:
        """Forget a session."""
        self._sessions.pop(session.sid, None)
        self._release_address(session.remote)
        socket = self._sockets.get(session)
        if socket is not None:
            self._forget_socket(socket, can_return=reason.reconnect or reason is CLIENT_DISCONNECT)
        logger.debug("session closed: %s", reason.code, extra={"reason": reason.code})

    # Signing in

    async def _sign_in(self, session: Session, request: ConnectRequested) -> None:
        try:
            payload = _credentials(request.auth)
            identity = await self._server.authenticate(payload.token or "")
        except AuthenticationError as error:
            _refuse_session(session, error)
            return
        except Exception:
            logger.exception("the authenticator failed")
            _refuse_session(session, InternalError("the server failed to do this"))
            return
        try:
            if session.is_open and not await self._recover(session, identity, payload):
                await self._begin(session, identity, payload)
        except BrokerUnavailable as error:
            logger.warning("nobody can sign in: %s", error)
            session.close(TRANSPORT_ERROR)  # clients come back from that by themselves

    async def _begin(self, session: Session, identity: Identity, payload: Credentials) -> None:
        sid = secrets.token_urlsafe(15)
        socket = Socket(sid, session, identity, payload.positions, self._server.limits)
        if self._recovery is not None and not payload.positions:
            socket.record = self._recovery.open(sid, socket)
        self._accept(socket)
        rooms = granted_rooms(self._server, identity)
        if not payload.positions:
            for room in rooms:
                await self._join(socket, room, "now")
        self._welcome(socket, payload, rooms)

    def _welcome(self, socket: Socket, payload: Credentials, rooms: list[str]) -> None:
        socket.other_contract = self._server.fingerprints.receive(payload.contract)
        socket.welcome(rooms)

    def _accept(self, socket: Socket, replay: Sequence[str] = ()) -> None:
        self._sockets[socket.session] = socket
        pid = socket.record.pid if socket.record is not None else None
        socket.session.connection.accept("/", socket.sid, pid, replay)
        self._deadlines.watch(socket)

    async def _recover(self, session: Session, identity: Identity, payload: Credentials) -> bool:
        """Go on with the connection that the client had; False if it has to begin anew."""
        recovery = self._recovery
        if recovery is None or payload.positions or payload.pid is None:
            return False
        record = await recovery.find(payload.pid, payload.offset, identity)
        if record is None:
            return False
        if record.socket is not None:
            record.socket.session.close(TRANSPORT_CLOSED)
            recovery.hold(record)
        missed = await recovery.missed(record, payload.offset, identity)
        if missed is None:
            recovery.discard(record)
            return not session.is_open
        if not session.is_open:
            recovery.release(record)
            return True
        socket = Socket(record.sid, session, identity, False, self._server.limits)
        recovery.resume(record, socket, missed)
        socket.record = record
        self._accept(socket, [message.packet(True) for message in missed.messages])
        for room, end in missed.ends.items():
            await self._join(socket, room, end)
        self._welcome(socket, payload, granted_rooms(self._server, identity))
        return True

    async def _join(self, socket: Socket, room: str, position: Position | Literal["now"]) -> None:
        def acknowledge(joined: Joined) -> None:
            if position == "now":
                socket.enter(room, joined.position)
            else:
                socket.rooms.add(room)  # its trail goes on

        await self._server.hub.join(socket, room, position, acknowledge)
        if not socket.is_open:
            await self._server.hub.leave(socket, room)

    # Events of a signed-in client

    async def _run_commands(self, socket: Socket) -> None:
        queue = self._commands[socket]
        try:
            while queue and socket.is_open:
                command, event, cost = queue.popleft()
                await self._run_command(socket, command, event)
                socket.session.unhandled -= cost
        finally:
            del self._commands[socket]

    async def _run_command(self, socket: Socket, command: Command, event: EventReceived) -> None:
        def answer(message: Message) -> None:
            if event.ack_id is not None:
                socket.acknowledge(event.ack_id, encode(message))

        try:
            await command(self._server, socket, event, answer)
        except LongwireError as error:
            self._reject(socket, event, error)
        except Exception:
            logger.exception("command %s failed", event.name)
            self._reject(socket, event, InternalError("the server failed to do this"))

    async def _handle(self, socket: Socket, event: EventReceived, cost: int) -> None:
        try:
            answer = await self._handlers.handle(event, socket)
            socket.acknowledge(event.ack_id, *(() if answer is None else (answer,)))
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            self._reject(socket, event, _refusal(event, error))
        finally:
            socket.session.unhandled -= cost

    def _reject(self, socket: Socket, event: EventReceived, error: LongwireError) -> None:
        """Send an error as the acknowledgement, or as an event if none was asked for."""
        name, rejection = _rejection(event, fault_of(error))
        if event.ack_id is not None:
            socket.acknowledge(event.ack_id, encode(rejection))
        elif name is not None:
            socket.emit(name, encode(rejection))

    def _disconnect(
        self, session: Session, reason: DisconnectReason, retry_after: float = 0.0
    ) -> None:
        socket = self._sockets.get(session)
        if socket is not None:
            socket.disconnect(reason, retry_after)
        else:
            session.close(reason)

    # Bookkeeping

    def _forget_socket(self, socket: Socket, *, can_return: bool) -> None:
        del self._sockets[socket.session]
        socket.close()
        if self._recovery is not None and socket.record is not None:
            (self._recovery.release if can_return else self._recovery.discard)(socket.record)
        self._deadlines.forget(socket)
        rooms, socket.rooms = socket.rooms, set()
        self._tasks.run(self._server.hub.leave_all(socket, rooms))

    def _count_address(self, remote: str) -> None:
        if _is_loopback(remote):
            return
        if self._addresses[remote] >= self._server.limits.sessions_per_address:
            raise TooManySessions(f"too many sessions from {remote}")
        self._addresses[remote] += 1

    def _release_address(self, remote: str) -> None:
        if remote in self._addresses:
            self._addresses[remote] -= 1
            if self._addresses[remote] <= 0:
                del self._addresses[remote]


def _cost(event: EventReceived) -> int:
    """Bytes that an event holds until it is handled."""
    size = EVENT_OVERHEAD
    for argument in event.args:  # a sum over `map` takes three times as long
        size += len(argument)
    for attachment in event.attachments:
        size += len(attachment)
    return size


# Errors of the application's own code; the client gets `internal_error` instead.
BUGS = (ConfigurationError, LocalProtocolError)


def _refusal(event: EventReceived, error: BaseException) -> LongwireError:
    """What the client is told when a handler fails; what is not meant for it is logged."""
    if isinstance(error, LongwireError) and not isinstance(error, BUGS):
        return error
    logger.error("handler of %r failed", event.name[:100], exc_info=error)
    return InternalError("the handler failed")


def _rejection(event: EventReceived, fault: Fault) -> tuple[str | None, Message]:
    """Return a rejection, and the name of the event that carries it where none was asked for."""
    if event.name in (JOIN_ROOM, LEAVE_ROOM):
        args = event.values()
        room = args[0] if args and isinstance(args[0], str) else None
        return ROOM_ERROR, RoomError(room=room, error=fault)
    if event.ack_id is None and event.name not in COMMANDS:
        return EVENT_ERROR, EventError(event=event.name[:100], error=fault)
    return None, Ack(ok=False, error=fault)


def _refuse_session(session: Session, error: LongwireError) -> None:
    if session.is_open:
        session.connection.refuse("/", str(error), ConnectError(code=error.code))
        session.flush()


def _credentials(auth: msgspec.Raw | None) -> Credentials:
    if auth is None:
        return Credentials()
    try:
        return _CREDENTIALS.decode(auth)
    except msgspec.MsgspecError as error:
        raise AuthenticationError(f"invalid auth payload: {error}") from None


@lru_cache(maxsize=1024)
def _is_loopback(remote: str) -> bool:
    try:
        return ip_address(remote).is_loopback
    except ValueError:
        return True
