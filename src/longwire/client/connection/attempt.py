"""One attempt to connect, and the connection that follows from it."""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial

import msgspec
from websockets.exceptions import WebSocketException

from longwire.client.answers import read_first
from longwire.client.connection.reconnection import FINAL
from longwire.client.connection.tokens import Renewal, Tokens
from longwire.client.handlers.arguments import Answer
from longwire.client.options import ClientOptions
from longwire.client.receiving.inbox import Inbox
from longwire.client.rooms.rooms import Rooms
from longwire.client.sending.outbox import Outbox
from longwire.client.transport.polling import FAILURES
from longwire.client.transport.session import TransportSession
from longwire.connection.events import EventReceived
from longwire.engineio.state import Transport
from longwire.errors import ConnectionRefused, NotConnected
from longwire.reasons import DisconnectReason
from longwire.schema import Contract
from longwire.wire import (
    AUTH,
    AUTH_ERROR,
    AUTH_EXPIRING,
    AUTHENTICATED,
    CLOSING,
    Authenticated,
    Closing,
    Credentials,
)

logger = logging.getLogger("longwire.client")

# If no server listens, or it rejects the token, another transport cannot help.
HOPELESS = (*FINAL, ConnectionRefused, ConnectionRefusedError, socket.gaierror)


class ClientParts(msgspec.Struct, frozen=True):
    """The parts of a client that its connections share."""

    options: ClientOptions
    contract: Contract
    tokens: Tokens
    rooms: Rooms
    outbox: Outbox
    inbox: Inbox


class Attempt:
    """One attempt: gets a token, connects, signs in, resumes rooms, and then is the connection.

    The methods are called in this order: `connect`, `deliver`, `end`. An attempt is never reused.

    Args:
        parts: The parts of the client that all its connections share.
        previous: The attempt before this one.

    Attributes:
        session: The transport session, once a transport has connected.
        user: The user that the server authenticated; None on a stock Socket.IO server.
        has_positions: Whether the server sends positions, and so is a Longwire server.
        advice: The server's advice on reconnecting; None if it did not announce the end.
        is_superseded: Whether the caller replaced the token before the attempt had succeeded.
        renewal: Replaces the token while connected.
        transport: The transport that worked last, which is tried first.
        other_contract: Fingerprint of the server's contract, if it differs from the client's.
    """

    def __init__(self, parts: ClientParts, previous: Attempt | None) -> None:
        self._parts = parts
        self._patience: asyncio.Timeout | None = None
        self._signed_in = asyncio.Event()
        self._held: list[EventReceived] | None = []
        self.session: TransportSession | None = None
        self.user: Authenticated | None = None
        self.has_positions = False
        self.advice: Closing | None = None
        self.is_superseded = False
        self.transport: Transport | None = None
        self.other_contract: str | None = None
        if previous is not None:
            self.transport = previous.transport
            self.other_contract = previous.other_contract
        self.renewal = Renewal(parts.tokens, parts.options.timeout, self._send_token)
        self._handlers = {
            AUTHENTICATED: self._receive_authenticated,
            AUTH_ERROR: self.renewal.receive_rejection,
            AUTH_EXPIRING: self.renewal.receive_expiring,
            CLOSING: self._receive_closing,
        }

    async def connect(self) -> TransportSession:
        """Connect, sign in and resume the rooms, within the option `timeout`.

        Raises:
            Exception: Whatever prevented that; `explain` describes errors of the network.
        """
        options = self._parts.options
        missing = "token from its provider"
        try:
            self._parts.outbox.open()
            async with asyncio.timeout(options.timeout) as self._patience:
                token, contract = await self._parts.tokens.get(), self._parts.contract.fingerprint
                missing = f"connection to {options.server}"
                credentials = Credentials(token=token, positions=True, contract=contract)
                session = self.session = await self._open(credentials)
                await self._sign_in(session)
                await self._resume_rooms(session)
                if self.is_superseded:
                    raise NotConnected("the token was replaced")
        except TimeoutError:
            raise NotConnected(f"no {missing} within {options.timeout:g} s") from None
        finally:
            self._patience = None
        return session

    def supersede(self) -> None:
        """Fail `connect` at once, because the caller replaced the token that it uses."""
        if self._patience is not None:
            self.is_superseded = True
            self._patience.reschedule(0.0)

    def deliver(self) -> None:
        """Deliver the events that were held until the caller of `connect` could subscribe.

        If the connection has ended in the meantime, they are dropped like everything that it could
        no longer deliver. The next connection resumes the rooms, which this would make live again.
        """
        self._parts.inbox.resume()
        held, self._held = self._held or [], None
        for event in held:
            if self.session is not None and self.session.is_open:
                self._deliver(event)

    async def end(self) -> None:
        """Close the transport, whatever has become of it."""
        if self.session is not None:
            if self._held is None:  # it was in use, so it works
                self.transport = self.session.transport
            await self.session.end()

    # Connecting

    async def _open(self, credentials: Credentials) -> TransportSession:
        """Open the first transport that works, beginning with the one that worked last."""
        options = self._parts.options
        transports = sorted(options.transports, key=lambda t: t != self.transport)
        if len(transports) == 1:
            return await TransportSession.open(transports[0], options, credentials)
        share = options.timeout / len(transports)
        failures: list[str] = []
        for transport in transports:
            try:
                async with asyncio.timeout(share):
                    return await TransportSession.open(transport, options, credentials)
            except FAILURES as error:
                if isinstance(error, HOPELESS):
                    raise
                is_timeout = type(error) is TimeoutError
                detail = f"no answer within {share:g} s" if is_timeout else str(error)
                failures.append(f"{transport}: {detail or type(error).__name__}")
                logger.info("no connection over %s", failures[-1])
        raise NotConnected(f"{options.server}: {'; '.join(failures)}")

    async def _sign_in(self, session: TransportSession) -> None:
        session.start(self)
        try:
            async with asyncio.timeout(self._parts.options.authentication_grace):
                await self._signed_in.wait()
        except TimeoutError:
            logger.debug("received no `authenticated`: the server is a stock Socket.IO server")
        if not session.is_open:
            raise NotConnected("the connection ended during sign-in")

    async def _resume_rooms(self, session: TransportSession) -> None:
        # A stock server may never acknowledge a join.
        grace = None if self.has_positions else self._parts.options.authentication_grace
        answers = self._parts.rooms.resume(session, grace)
        if answers:
            await asyncio.wait(answers)
        if not session.is_open:
            raise NotConnected("the connection ended before it was ready")

    # Callbacks of the transport session

    def receive(self, messages: list[str | bytes]) -> int:
        """Handle plain events at the front of messages that arrived together."""
        return (
            0 if self._held is not None else self._parts.inbox.receive(messages, self.has_positions)
        )

    def receive_event(self, event: EventReceived) -> None:
        """Handle an event about the connection; deliver others, once `connect` has returned."""
        handle = self._handlers.get(event.name)
        if handle is not None:
            values = event.values()
            handle(values)
            self._parts.inbox.received += 1
            self._parts.inbox.announce(event.name, None, tuple(values))
            if (answer := self._answer_to(event)) is not None:
                answer(())
        elif self._held is None:
            self._deliver(event)
        else:
            self._held.append(event)

    def receive_closed(self, reason: DisconnectReason, error: Exception) -> None:
        """Handle the end of the connection at once, before the supervisor's task runs."""
        self._parts.outbox.suspend()
        self._parts.rooms.suspend()
        self._signed_in.set()
        self.renewal.settle(explain(error, self._parts.options.server))

    def _deliver(self, event: EventReceived) -> None:
        self._parts.inbox.receive_event(event, self.has_positions, self._answer_to(event))

    def _answer_to(self, event: EventReceived) -> Answer | None:
        if event.ack_id is None or self.session is None:
            return None
        return partial(self.session.acknowledge, event.ack_id)

    # Events about the connection

    def _send_token(self, token: str | None) -> bool:
        if self.session is None or not self.session.is_open:
            return False
        self.session.send(AUTH, (token,))
        return True

    def _receive_authenticated(self, values: list[object]) -> None:
        self.user = read_first(values, Authenticated)
        self._notice_contract(self.user.contract)
        self.has_positions = True
        self._parts.rooms.grant(self.user.rooms)
        self._signed_in.set()
        self.renewal.settle(None)

    def _notice_contract(self, other: str | None) -> None:
        if other is not None and other != self.other_contract:
            own = self._parts.contract.fingerprint
            logger.warning("the server's contract is %s, this client was built for %s", other, own)
        self.other_contract = other

    def _receive_closing(self, values: list[object]) -> None:
        self.advice = read_first(values, Closing)


def explain(error: Exception, server: str) -> Exception:
    """Return an error of the network as `NotConnected`, and any other one as it is."""
    if not isinstance(error, OSError | WebSocketException):
        return error
    explained = NotConnected(f"{server}: {str(error) or type(error).__name__}")
    explained.__cause__ = error
    return explained
