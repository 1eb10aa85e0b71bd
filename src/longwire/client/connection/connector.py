"""Gets and keeps the connection: one loop of attempts, sign-in, and giving up."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from functools import partial
from typing import TYPE_CHECKING

from websockets.exceptions import WebSocketException

from longwire.client.answers import read_first
from longwire.client.connection.reconnection import FINAL, Ended, ReconnectionPolicy, is_final
from longwire.client.connection.renewal import Renewal
from longwire.client.outcome import new_outcome
from longwire.client.state import ConnectionState, ConnectionStatus
from longwire.client.transport.polling import FAILURES
from longwire.client.transport.session import Wire, WireRequests, turns
from longwire.errors import ConfigurationError, ConnectionRefused, NotConnected
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.connection.tokens import Tokens
    from longwire.client.health import Health
    from longwire.client.options import ClientOptions
    from longwire.client.receiving.inbox import Inbox, SystemHandler
    from longwire.client.rooms.rooms import Rooms
    from longwire.client.sending.outbox import Outbox
    from longwire.connection import EventReceived
    from longwire.engineio import Transport
    from longwire.reasons import DisconnectReason
    from longwire.schema import Contract

logger = logging.getLogger("longwire.client")

# Where nobody listens or a token is refused, no other transport helps.
HOPELESS = (*FINAL, ConnectionRefused, ConnectionRefusedError, socket.gaierror)


class Connector:
    """The connection of one client over time.

    Attributes:
        wire: the present connection; None between two, and until its rooms are resumed.
        user: whom the server takes this client for; None on a stock Socket.IO server.
        other_contract: the fingerprint of the server's contract, if it is another.
        renewal: replaces the token in place.
    """

    def __init__(
        self,
        options: ClientOptions,
        contract: Contract,
        status: ConnectionStatus,
        tokens: Tokens,
        rooms: Rooms,
        outbox: Outbox,
        health: Health,
        give_up: Callable[[Exception | None], None],
    ) -> None:
        self._options = options
        self._contract = contract
        self._status = status
        self._tokens = tokens
        self.renewal = Renewal(tokens, options.timeout, self._send_token)
        self._rooms = rooms
        self._outbox = outbox
        self._health = health
        self._give_up = give_up
        self._policy = ReconnectionPolicy(options, lambda: tokens.can_refresh, random.random)
        self._inbox: Inbox
        self._supervisor: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._hurry: asyncio.Event
        self._advice: Closing | None = None
        self._is_stopping = False
        self._stops = 0
        self._is_superseded = False
        self._signed_in: asyncio.Event
        self._transport: Transport | None = None
        self._opening: Wire | None = None
        self._held: list[EventReceived] | None = None
        self.wire: Wire | None = None
        self.user: Authenticated | None = None
        self.other_contract: str | None = None

    @property
    def system_handlers(self) -> dict[str, SystemHandler]:
        """The events of the wire that concern the connection."""
        return {
            AUTHENTICATED: self._receive_authenticated,
            AUTH_ERROR: self.renewal.receive_refusal,
            AUTH_EXPIRING: self.renewal.receive_expiring,
            CLOSING: self._receive_closing,
        }

    def attach(self, inbox: Inbox) -> None:
        """Say where events go; once, before anything else."""
        self._inbox = inbox

    # What the client asks for

    def check_loop(self) -> None:
        """Reject a call from another event loop, which would wait forever.

        Raises:
            ConfigurationError: The caller runs on another event loop than the connection.
        """
        supervisor = self._supervisor
        if supervisor is not None and supervisor.get_loop() is not asyncio.get_running_loop():
            raise ConfigurationError(
                "the client runs on another event loop; share longwire.sync clients between threads"
            )

    def start(self) -> asyncio.Future[None]:
        """Try to connect unless that is under way; the future ends with the outcome."""
        if self._supervisor is None or self._supervisor.done():
            self._policy.reset()
            self._outcome = None
            self._outbox.refusal = None
            self._is_stopping = False
            # These belong to a loop, and the client may outlive one.
            self._hurry = asyncio.Event()
            self._supervisor = asyncio.create_task(self._supervise(), name="longwire client")
            self._status.enter(ConnectionState.CONNECTING)
        return self._expect_outcome()

    def retry(self) -> None:
        """Try again at once, whatever the backoff says, or start again after giving up."""
        self._policy.reset()
        if self._supervisor is None:
            self.start()
        self._hurry.set()

    def supersede(self) -> None:
        """There is another token: the attempt with the old one is over, the next begins now."""
        if self._patience is not None:
            self._is_superseded = True
            self._patience.reschedule(0.0)
        if self._supervisor is not None:
            self.retry()

    async def stop(self) -> None:
        """Say goodbye and end; everything that waits is told, also if this is cancelled."""
        self.check_loop()
        self._stops += 1
        supervisor = self._supervisor
        if supervisor is None:
            self._conclude(ConnectionState.DISCONNECTED, None)
            return
        if not self._is_stopping:
            self._is_stopping = True
            self.renewal.cancel()
            if self.wire is None:
                supervisor.cancel()
            else:
                self.wire.close()
        await asyncio.wait([supervisor])
        if self._supervisor is supervisor:  # it never began, and could not say that it ended
            self._conclude(ConnectionState.DISCONNECTED, None)

    async def wait_stopped(self) -> None:
        """Wait for the end of a `stop` that is under way.

        Raises:
            NotConnected: there was another one meanwhile.
        """
        self.check_loop()
        stops = self._stops
        if self._is_stopping and self._supervisor is not None:
            await asyncio.wait([self._supervisor])
        if self._stops != stops:
            raise NotConnected("the client disconnected")

    def _expect_outcome(self) -> asyncio.Future[None]:
        if self._outcome is None:
            self._outcome = new_outcome()
        return self._outcome

    def _settle_outcome(self, error: Exception | None) -> None:
        outcome = self._expect_outcome()
        if outcome.done():
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    # The loop

    async def _supervise(self) -> None:
        """Connect and stay so; whatever ends this, the state says it."""
        state, error = ConnectionState.DISCONNECTED, None
        try:
            ended = await self._persist()
            if not self._is_stopping:
                state, error = self._resign(), ended.error
        except Exception as fault:
            logger.exception("the client failed")
            state, error = ConnectionState.ERROR, fault
        finally:
            self._conclude(state, error)

    async def _persist(self) -> Ended:
        """Try, stay, and try again; return what the last attempt ended with."""
        deadline = asyncio.get_running_loop().time() + self._options.timeout
        while True:
            ended = await self._attempt()
            now = asyncio.get_running_loop().time()
            if self._is_superseded:
                deadline = now + self._options.timeout
                continue
            delay = None if self._is_stopping else self._policy.next_delay(ended)
            starting = self._status.state is ConnectionState.CONNECTING
            if delay is None or (starting and now + delay >= deadline):
                return ended
            if not starting:
                self._status.enter(ConnectionState.RECONNECTING, ended.error)
            self._status.reconnect_attempts = self._policy.attempts
            self._status.error = ended.error
            self._inbox.announce("reconnect_attempt", None, (self._policy.attempts,))
            logger.info("connection failed: %s; next attempt in %.1f s", ended.error, delay)
            await self._pause(delay)

    def _resign(self) -> ConnectionState:
        if self._status.state is ConnectionState.CONNECTED and not self._options.reconnection:
            return ConnectionState.DISCONNECTED
        self._inbox.announce("reconnect_failed", None, ())
        return ConnectionState.ERROR

    def _conclude(self, state: ConnectionState, error: Exception | None) -> None:
        self._supervisor = None
        reason = error or NotConnected("the client disconnected")
        gave_up = state is ConnectionState.ERROR
        self._outbox.refusal = error if gave_up else None
        self._outbox.fail(reason)
        self._rooms.give_up()
        self._settle_outcome(reason)
        self._give_up(error if gave_up else None)
        # The last step: who hears of it may start again.
        self._status.enter(state, error)

    async def _pause(self, delay: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(delay):
                await self._hurry.wait()
        except TimeoutError:
            pass

    async def _attempt(self) -> Ended:
        """Connect, and stay until it is over."""
        self._advice = None
        self._is_superseded = False
        wire: Wire | None = None
        missing = "token from its provider"
        try:
            self._outbox.open()
            async with asyncio.timeout(self._options.timeout) as self._patience:
                token, contract = await self._tokens.get(), self._contract.fingerprint
                missing = f"connection to {self._options.server}"
                wire = await self._open(Credentials(token=token, positions=True, contract=contract))
                await self._sign_in(wire)
                await self._resume(wire)
                if self._is_superseded:
                    raise NotConnected("another token was given")
        except TimeoutError:
            return self._failed(NotConnected(f"no {missing} within {self._options.timeout:g} s"))
        except Exception as error:
            return self._failed(error)
        else:
            return await self._stay(wire)
        finally:
            self._patience = None
            self._suspend()
            if wire is not None:
                await wire.end()

    async def _open(self, credentials: Credentials) -> Wire:
        """Connect over the first transport that works, beginning with the one that did last."""
        transports = sorted(self._options.transports, key=lambda t: t != self._transport)
        if len(transports) == 1:
            return await self._open_over(transports[0], credentials)
        share = self._options.timeout / len(transports)
        failures: list[str] = []
        for transport in transports:
            try:
                async with asyncio.timeout(share):
                    return await self._open_over(transport, credentials)
            except FAILURES as error:
                if not self._may_be_blocked(error):
                    raise
                said = f"no answer within {share:g} s" if type(error) is TimeoutError else error
                failures.append(f"{transport}: {said or type(error).__name__}")
                logger.info("no connection over %s", failures[-1])
        raise NotConnected(f"{self._options.server}: {'; '.join(failures)}")

    async def _open_over(self, transport: Transport, credentials: Credentials) -> Wire:
        self._signed_in = asyncio.Event()
        self.user = None
        self._inbox.positional = False
        self._held = []
        wire = self._opening = await Wire.open(transport, self._options, self)
        try:
            await wire.connect(credentials)
        except BaseException:
            await wire.end()
            raise
        return wire

    def _may_be_blocked(self, error: Exception) -> bool:
        """Whether another transport may get through where this one did not."""
        return self._advice is None and not isinstance(error, HOPELESS)

    async def _sign_in(self, wire: Wire) -> None:
        try:
            async with asyncio.timeout(self._options.authentication_grace):
                await self._signed_in.wait()
        except TimeoutError:
            logger.debug("no `authenticated` came: a stock Socket.IO server")
        if not wire.is_open:
            raise NotConnected("the connection ended during sign-in")

    async def _resume(self, wire: Wire) -> None:
        grace = None if self._inbox.positional else self._options.authentication_grace
        answers = self._rooms.resume(WireRequests(wire), grace)
        if answers:
            await asyncio.wait(answers)
        if not wire.is_open:
            raise NotConnected("the connection ended before it was ready")

    async def _stay(self, wire: Wire) -> Ended:
        loop = asyncio.get_running_loop()
        since = loop.time()
        returned = self._status.state is ConnectionState.RECONNECTING
        attempts = self._policy.attempts
        self.wire = wire
        self._status.enter(ConnectionState.CONNECTED)
        self._outbox.resume(wire)
        self._settle_outcome(None)
        self._outcome = None
        self._health.receive_connected(returned)
        self._inbox.announce("connect", None, ())
        if returned:
            self._inbox.announce("reconnect", None, (attempts,))
        await turns()
        self._release()
        try:
            reason = await asyncio.shield(wire.closed)
        finally:
            self._health.receive_dropped(unasked=not self._is_stopping)
        self._transport = wire.transport
        self._inbox.announce("disconnect", None, (reason.socketio,))
        error = wire.error or NotConnected(self._advice.message if self._advice else reason.message)
        return Ended(self._explain(error), loop.time() - since, self._advice)

    def _failed(self, error: Exception) -> Ended:
        if not self._is_superseded:
            self._inbox.announce("connect_error", None, (error,))
        # With settings that connected before, others may mend it: a certificate is renewed.
        if self._status.state is ConnectionState.CONNECTING and is_final(error):
            return Ended(error, advice=self._advice, is_final=True)
        return Ended(self._explain(error), advice=self._advice)

    def _explain(self, error: Exception) -> Exception:
        """Return an error of the network as one of ours."""
        if not isinstance(error, OSError | WebSocketException):
            return error
        explained = NotConnected(f"{self._options.server}: {str(error) or type(error).__name__}")
        explained.__cause__ = error
        return explained

    def _release(self) -> None:
        self._inbox.resume()
        held, self._held = self._held or [], None
        for event in held:
            self._receive(event)

    def _receive(self, event: EventReceived) -> None:
        if event.ack_id is None or self._opening is None:
            self._inbox.receive(event)
        else:
            answer = partial(self._opening.acknowledge, event.ack_id)
            self._inbox.receive_question(event, answer)

    def _suspend(self) -> None:
        self._held = None
        self.wire = self._opening = None
        self._outbox.suspend()
        self._rooms.suspend()

    # What the wire tells

    def receive_event(self, event: EventReceived) -> None:
        """Take an event of the server; those that come early wait until `connect` has returned."""
        if self._held is None or event.name in self.system_handlers:
            self._receive(event)
        else:
            self._held.append(event)

    def receive_logged(self, messages: list[str | bytes]) -> int:
        """Take events of logs from the front of what came; return how many."""
        return self._inbox.receive_logged(messages) if self._held is None else 0

    def receive_events(self, events: list[EventReceived]) -> None:
        """Take events that came together and ask for no answer."""
        if self._held is None:
            self._inbox.receive_all(events)
        else:
            for event in events:
                self.receive_event(event)

    def receive_closed(self, reason: DisconnectReason, error: Exception) -> None:
        """Notice the end at once, before the loop does."""
        self._outbox.suspend()
        self._rooms.suspend()
        self._signed_in.set()
        self.renewal.settle(self._explain(error))

    # Sign-in

    def _send_token(self, token: str | None) -> bool:
        if self.wire is None:
            return False
        self.wire.send(AUTH, (token,))
        return True

    def _receive_authenticated(self, values: list[object]) -> None:
        self.user = read_first(values, Authenticated)
        self._notice_contract(self.user.contract)
        self._inbox.positional = True
        self._rooms.grant(self.user.rooms)
        self._signed_in.set()
        self.renewal.settle(None)

    def _notice_contract(self, other: str | None) -> None:
        if other is not None and other != self.other_contract:
            own = self._contract.fingerprint
            logger.warning("the server's contract is %s, this client was built for %s", other, own)
        self.other_contract = other

    def _receive_closing(self, values: list[object]) -> None:
        self._advice = read_first(values, Closing)
