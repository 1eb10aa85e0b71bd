"""The sessions of this node and the clients that have signed in over them."""

import logging
from collections import Counter
from functools import lru_cache
from ipaddress import ip_address
from sys import intern

from longwire.clock import clock
from longwire.connection.connection import Connection, ConnectionOptions
from longwire.connection.events import AckReceived, ConnectRequested, EventReceived
from longwire.engineio.server import Options, ServerSession
from longwire.engineio.state import Transport
from longwire.errors import RemoteProtocolError
from longwire.reasons import CLIENT_DISCONNECT, SERVER_SHUTDOWN, TOO_SLOW, DisconnectReason
from longwire.server.clients.commands import Services
from longwire.server.clients.dispatch import Dispatcher
from longwire.server.clients.handlers import Handlers
from longwire.server.clients.session_ids import SessionIds
from longwire.server.clients.sign_in import SignIn
from longwire.server.clients.socket import Socket
from longwire.server.errors import TooManySessions
from longwire.server.recovery.recovery import Recovery
from longwire.server.session.deadlines import Deadlines
from longwire.server.session.session import Session
from longwire.task_pool import TaskPool

logger = logging.getLogger("longwire.server")


class Sessions:
    """Opens and closes sessions, and passes what they receive to sign-in and dispatch.

    A session is one Engine.IO connection; it has a `Socket` once its client has signed in.

    Args:
        services: the parts of the server that requests of clients use.
        handlers: the application's handlers.
        options: options of Engine.IO.
        connection_options: limits on the packets of one connection.
        recovery: the connections that can be recovered, if that is enabled.

    Attributes:
        is_draining: whether the server is stopping, and new sessions have to go elsewhere.
    """

    def __init__(
        self,
        services: Services,
        handlers: Handlers,
        options: Options,
        connection_options: ConnectionOptions,
        recovery: Recovery | None,
    ) -> None:
        self._limits = services.limits
        self._statistics = services.statistics
        self._hub = services.hub
        self._options = options
        self._connection_options = connection_options
        self._recovery = recovery
        self._ids = SessionIds()
        self._sessions: dict[str, Session] = {}
        self._sockets: dict[Session, Socket] = {}
        self._addresses = AddressCounts(self._limits.sessions_per_address)
        self._deadlines = Deadlines(_tick(options))
        self._tasks = TaskPool()
        self._sign_in = SignIn(services, recovery, self._add_socket)
        self._dispatcher = Dispatcher(services, handlers, self._tasks)
        self.is_draining = False

    @property
    def sockets(self) -> list[Socket]:
        """The clients that are connected to this node."""
        return list(self._sockets.values())

    def __len__(self) -> int:
        return len(self._sessions)

    def all(self) -> list[Session]:
        """Return the open sessions, in the order in which they were opened."""
        return list(self._sessions.values())

    def is_busy(self, session: Session) -> bool:
        """Return whether events of a session are being handled, or it is sent a replay."""
        if session.unhandled > 0:
            return True
        socket = self._sockets.get(session)
        return socket is not None and self._hub.is_feeding(socket, socket.rooms)

    def shut_down(self, session: Session, retry_after: float) -> None:
        """Close a session with the reason `server_shutdown`, and advice when to reconnect."""
        self._disconnect(session, SERVER_SHUTDOWN, retry_after)

    def get(self, sid: str) -> Session | None:
        """Return the open session with that id."""
        return self._sessions.get(sid)

    def receive_unknown(self, sid: str) -> None:
        """Note a request for a session that this node does not have."""
        self._ids.receive_unknown(sid)

    def open(self, transport: Transport, remote: str) -> Session:
        """Open a session for a client at the address `remote`.

        Raises:
            TooManySessions: the address has too many, or too many have not signed in yet.
        """
        if len(self._sessions) - len(self._sockets) >= self._limits.sessions_signing_in:
            raise TooManySessions("too many sessions have not signed in yet")
        remote = intern(remote)  # one string for all sessions of the address
        self._addresses.add(remote)
        sid = self._ids.create()
        now = clock.monotonic()
        engine = ServerSession(sid, self._options, transport, now)
        connection = Connection.server(engine, self._connection_options, now)
        session = Session(engine, connection, self, self._deadlines, remote, self._limits)
        self._sessions[sid] = session
        self._deadlines.watch(session)
        return session

    async def close(self) -> None:
        """Close every session with the reason `server_shutdown`."""
        for session in list(self._sessions.values()):
            self.receive_shutdown(session)
        await self._tasks.close()
        self._deadlines.close()
        if self._recovery is not None:
            await self._recovery.close()

    def _add_socket(self, socket: Socket) -> None:
        self._sockets[socket.session] = socket
        self._deadlines.watch(socket)

    # The methods of SessionOwner

    def receive_connect(self, session: Session, request: ConnectRequested) -> None:
        """Sign a client in to the main namespace; others do not exist."""
        if request.namespace != "/":
            session.connection.refuse(request.namespace, "Invalid namespace")
            return
        self._tasks.run(self._sign_in.run(session, request))

    def receive_event(self, session: Session, event: EventReceived) -> None:
        """Handle an event of a signed-in client."""
        self._dispatcher.receive_event(self._sockets[session], event)

    def receive_ack(self, session: Session, ack: AckReceived) -> None:
        """Return an acknowledgement to the call that awaits it."""
        try:
            self._sockets[session].receive_ack(ack.ack_id, ack.values())
        except RemoteProtocolError as error:
            session.engine.fail(error)

    def receive_disconnect(self, session: Session) -> None:
        """Remove the client from its rooms; the session lasts until the transport closes."""
        socket = self._sockets.get(session)
        if socket is not None:
            self._remove_socket(socket, can_return=False)

    def receive_drained(self, session: Session) -> None:
        """Send a client what its rooms' logs grew by while its transport was full."""
        socket = self._sockets.get(session)
        if socket is not None:
            self._hub.resume(socket, socket.rooms)

    def receive_shutdown(self, session: Session) -> None:
        """Close a session with the reason `server_shutdown`."""
        self.shut_down(session, self._limits.retry_after)

    def receive_stalled(self, session: Session) -> None:
        """Close a session with the reason `too_slow`.

        The client receives the reason if it soon reads what was sent before.
        """
        self._disconnect(session, TOO_SLOW)

    def receive_closed(self, session: Session, reason: DisconnectReason) -> None:
        """Remove a session that has ended."""
        self._sessions.pop(session.sid, None)
        self._addresses.remove(session.remote)
        self._statistics.closed[reason.code] += 1
        socket = self._sockets.get(session)
        if socket is not None:
            can_return = reason.reconnect or reason is CLIENT_DISCONNECT
            self._remove_socket(socket, can_return=can_return)
        logger.debug("session closed: %s", reason.code, extra={"reason": reason.code})

    def _disconnect(
        self, session: Session, reason: DisconnectReason, retry_after: float = 0.0
    ) -> None:
        socket = self._sockets.get(session)
        if socket is not None:
            socket.disconnect(reason, retry_after)
        else:
            session.close(reason)

    def _remove_socket(self, socket: Socket, *, can_return: bool) -> None:
        del self._sockets[socket.session]
        self._statistics.durations.observe(max(0.0, clock.time() - socket.since))
        socket.close()
        if self._recovery is not None and socket.record is not None:
            (self._recovery.release if can_return else self._recovery.discard)(socket.record)
        self._deadlines.forget(socket)
        rooms, socket.rooms = socket.rooms, set()
        self._tasks.run(self._hub.leave_all(socket, rooms))


def _tick(options: Options) -> float:
    """Return how exact timers are; short heartbeats of a few clients can afford a millisecond."""
    return 0.25 if min(options.ping_interval, options.ping_timeout) >= 5 else 0.001


class AddressCounts:
    """Counts sessions per address; loopback addresses are proxies and are not counted."""

    def __init__(self, limit: int) -> None:
        self._counts: Counter[str] = Counter()
        self._limit = limit

    def add(self, remote: str) -> None:
        """Count a session that opens.

        Raises:
            TooManySessions: the address has as many as it may have.
        """
        if _is_loopback(remote):
            return
        if self._counts[remote] >= self._limit:
            raise TooManySessions(f"address {remote} has {self._limit} sessions already")
        self._counts[remote] += 1

    def remove(self, remote: str) -> None:
        """Count a session that has closed."""
        if remote in self._counts:
            self._counts[remote] -= 1
            if self._counts[remote] <= 0:
                del self._counts[remote]


@lru_cache(maxsize=1024)
def _is_loopback(remote: str) -> bool:
    try:
        return ip_address(remote).is_loopback
    except ValueError:  # a Unix socket has no address
        return True
