"""Signs clients in, and recovers the connections of stock clients."""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from longwire.connection.events import ConnectRequested
from longwire.errors import AuthenticationError, BrokerUnavailable, LongwireError
from longwire.reasons import TRANSPORT_CLOSED, TRANSPORT_ERROR
from longwire.server.access.authentication import Identity
from longwire.server.access.fingerprints import read_fingerprint
from longwire.server.clients.commands import Services
from longwire.server.clients.socket import Socket
from longwire.server.errors import InternalError
from longwire.server.recovery.recovery import Recovery
from longwire.server.rooms.hub import Joined
from longwire.server.session.session import Session
from longwire.types import Position
from longwire.wire import ConnectError, Credentials

logger = logging.getLogger("longwire.server")

_CREDENTIALS = msgspec.json.Decoder(Credentials)


class SignIn:
    """Turns a session's CONNECT into a socket, new or recovered.

    Args:
        services: the parts of the server that signing in uses.
        recovery: the connections that can be recovered, if that is enabled.
        add: registers a socket that has signed in.
    """

    def __init__(
        self, services: Services, recovery: Recovery | None, add: Callable[[Socket], None]
    ) -> None:
        self._services = services
        self._recovery = recovery
        self._add = add

    async def run(self, session: Session, request: ConnectRequested) -> None:
        """Sign a client in, or answer CONNECT_ERROR.

        A client that is revoked meanwhile is refused.

        If the broker is unavailable, the session is closed; clients then connect again.
        """
        try:
            credentials = _credentials(request.auth)
            identity = await self._services.authenticate(credentials.token or "")
        except AuthenticationError as error:
            self._reject(session, error)
            return
        except BrokerUnavailable as error:
            _close(session, error)
            return
        except Exception:
            logger.exception("the authenticator failed")
            self._reject(session, InternalError("the server failed to authenticate the token"))
            return
        try:
            if session.is_open and not await self._recover(session, identity, credentials):
                await self._connect(session, identity, credentials)
        except AuthenticationError as error:  # revoked meanwhile
            self._reject(session, error)
        except BrokerUnavailable as error:
            _close(session, error)

    async def _connect(
        self, session: Session, identity: Identity, credentials: Credentials
    ) -> None:
        self._services.revocations.check(identity)  # no await from here to `_accept`
        sid = secrets.token_urlsafe(15)
        socket = Socket(sid, session, identity, credentials.positions, self._services.limits)
        if self._recovery is not None and not credentials.positions:
            socket.record = self._recovery.open(sid, identity.user_id, session)
        self._accept(socket)
        rooms = self._services.granted_rooms(identity)
        if not credentials.positions:
            for room in rooms:
                await self._join(socket, room, "now")
        self._welcome(socket, credentials, rooms)

    async def _recover(
        self, session: Session, identity: Identity, credentials: Credentials
    ) -> bool:
        """Continue a stock client's earlier connection; return False if that is not possible."""
        recovery = self._recovery
        if recovery is None or credentials.positions or credentials.pid is None:
            return False
        record = await recovery.find(credentials.pid, credentials.offset, identity)
        if record is None:
            return False
        if record.session is not None:
            record.session.close(TRANSPORT_CLOSED)
            recovery.hold(record)  # closing has started its expiry
        missed = await recovery.missed(record, credentials.offset, identity)
        if missed is None or self._services.revocations.is_revoked(identity):
            recovery.discard(record)
            return not session.is_open
        if not session.is_open:
            recovery.release(record)
            return True
        socket = Socket(record.sid, session, identity, False, self._services.limits)
        recovery.resume(record, session, missed)
        socket.record = record
        self._accept(socket, [message.packet(True) for message in missed.messages])
        for room, end in missed.ends.items():
            await self._join(socket, room, end)
        self._welcome(socket, credentials, self._services.granted_rooms(identity))
        return True

    def _reject(self, session: Session, error: LongwireError) -> None:
        self._services.statistics.refused_sign_ins[error.code] += 1
        if session.is_open:
            session.connection.refuse("/", str(error), ConnectError(code=error.code))
            session.flush()

    def _accept(self, socket: Socket, replay: Sequence[str] = ()) -> None:
        self._services.statistics.signed_in += 1
        self._add(socket)
        pid = socket.record.pid if socket.record is not None else None
        socket.session.connection.accept("/", socket.sid, pid, replay)

    async def _join(self, socket: Socket, room: str, position: Position | Literal["now"]) -> None:
        def acknowledge(joined: Joined) -> None:
            if position == "now":
                socket.enter(room, joined.position)
            else:
                socket.rooms.add(room)  # the record already follows the room

        await self._services.hub.join(socket, room, position, acknowledge)
        if not socket.is_open:
            await self._services.hub.leave(socket, room)

    def _welcome(self, socket: Socket, credentials: Credentials, rooms: list[str]) -> None:
        socket.contract = read_fingerprint(credentials.contract)
        socket.other_contract = self._services.fingerprints.receive(socket.contract)
        socket.welcome(rooms)


def _credentials(auth: msgspec.Raw | None) -> Credentials:
    if auth is None:
        return Credentials()
    try:
        return _CREDENTIALS.decode(auth)
    except msgspec.MsgspecError as error:
        raise AuthenticationError(f"invalid auth payload: {error}") from None


def _close(session: Session, error: BrokerUnavailable) -> None:
    """Close the session: its client then connects again, perhaps to another node."""
    logger.warning("clients cannot sign in: %s", error)
    session.close(TRANSPORT_ERROR)
