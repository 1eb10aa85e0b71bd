"""Connects a client and keeps it connected: one task, one `Attempt` after the other."""

import asyncio
import logging
import random
from collections.abc import Callable

from longwire.background import new_optional_future
from longwire.client.connection.attempt import Attempt, ClientParts, explain
from longwire.client.connection.reconnection import Ended, ReconnectionPolicy, is_final
from longwire.client.connection.tokens import TokenSource
from longwire.client.health import Health
from longwire.client.state import ConnectionState, ConnectionStatus
from longwire.client.transport.session import TransportSession, run_ready_callbacks
from longwire.errors import ConfigurationError, NotConnected
from longwire.wire import Authenticated

logger = logging.getLogger("longwire.client")


class Supervisor:
    """Starts, repeats and stops the attempts of one client to connect.

    Args:
        parts: The parts of the client that each connection uses.
        status: The client's state, which only this object changes.
        health: Counts and measures connections.
        patience: Returns the longest delay that the running jobs permit; None without jobs.
        give_up: Called when the client stops trying, with the error; with None after `stop`.

    Attributes:
        session: The transport session while the client is connected; None otherwise.
    """

    def __init__(
        self,
        parts: ClientParts,
        status: ConnectionStatus,
        health: Health,
        patience: Callable[[], float | None],
        give_up: Callable[[Exception | None], None],
    ) -> None:
        self._parts = parts
        self._options = parts.options
        self._status = status
        self._health = health
        self._give_up = give_up
        self._policy = ReconnectionPolicy(
            parts.options, lambda: parts.tokens.can_refresh, random.random, patience
        )
        self._task: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[None] | None = None
        self._retry: asyncio.Event
        self._attempt: Attempt | None = None
        self._is_stopping = False
        self._stops = 0
        self.session: TransportSession | None = None

    @property
    def user(self) -> Authenticated | None:
        """The user of the newest attempt; None before sign-in and on a stock server."""
        return self._attempt.user if self._attempt is not None else None

    @property
    def other_contract(self) -> str | None:
        """Fingerprint of the server's contract, if it differs from the client's."""
        return self._attempt.other_contract if self._attempt is not None else None

    @property
    def answers_pings(self) -> bool:
        """Whether a Longwire server is connected; stock servers do not answer pings."""
        attempt = self._attempt
        return self.session is not None and attempt is not None and attempt.has_positions

    def check_loop(self) -> None:
        """Reject a call from another event loop, which would wait forever.

        Raises:
            ConfigurationError: The caller runs on another event loop than the connection.
        """
        if self._task is not None and self._task.get_loop() is not asyncio.get_running_loop():
            raise ConfigurationError(
                "the client runs on another event loop; share longwire.sync clients between threads"
            )

    def start(self) -> asyncio.Future[None]:
        """Start connecting, unless that has started; the future ends with the outcome."""
        if self._task is None or self._task.done():
            self._policy.reset()
            self._outcome = None
            self._parts.outbox.refusal = None
            self._is_stopping = False
            # Events and tasks belong to one event loop; the client may outlive it.
            self._retry = asyncio.Event()
            self._task = asyncio.create_task(self._run(), name="longwire client")
            self._status.enter(ConnectionState.CONNECTING)
        return self._expect_outcome()

    def retry(self) -> None:
        """Skip the backoff and try again at once; start again after giving up."""
        self._policy.reset()
        if self._task is None:
            self.start()
        self._retry.set()

    def use_token(self, source: TokenSource) -> None:
        """Take the token from another source, while not connected.

        An attempt that uses the old token fails, and the next one starts at once.
        """
        self._parts.tokens.source = source
        if self._attempt is not None:
            self._attempt.supersede()
        if self._task is not None:
            self.retry()

    async def replace_token(self, source: TokenSource) -> None:
        """Replace the token while connected; see `Renewal.replace`."""
        if self._attempt is not None:
            await self._attempt.renewal.replace(source)

    async def stop(self) -> None:
        """Disconnect and stop trying. Cancelling this does not undo it.

        Everything that waits for the connection fails with `NotConnected`.
        """
        self.check_loop()
        self._stops += 1
        task = self._task
        if task is None:
            self._conclude(ConnectionState.DISCONNECTED, None)
            return
        if not self._is_stopping:
            self._is_stopping = True
            if self._attempt is not None:
                self._attempt.renewal.cancel()
            if self.session is None:
                task.cancel()
            else:
                self.session.close()
        await asyncio.wait([task])
        if self._task is task:  # cancelled before its first step, so it concluded nothing
            self._conclude(ConnectionState.DISCONNECTED, None)

    async def wait_stopped(self) -> None:
        """Wait until a running `stop` has ended.

        Raises:
            NotConnected: `stop` was called again in the meantime.
        """
        self.check_loop()
        stops = self._stops
        if self._is_stopping and self._task is not None:
            await asyncio.wait([self._task])
        if self._stops != stops:
            raise NotConnected("the client disconnected")

    def _expect_outcome(self) -> asyncio.Future[None]:
        if self._outcome is None:
            self._outcome = new_optional_future()
        return self._outcome

    def _settle_outcome(self, error: Exception | None) -> None:
        outcome = self._expect_outcome()
        if outcome.done():
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    # The task

    async def _run(self) -> None:
        """Connect and stay connected. However this ends, the state shows it."""
        state, error = ConnectionState.DISCONNECTED, None
        try:
            ended = await self._repeat_attempts()
            if not self._is_stopping:
                state, error = self._stop_trying(), ended.error
        except Exception as fault:
            logger.exception("the client failed unexpectedly")
            state, error = ConnectionState.ERROR, fault
        finally:
            self._conclude(state, error)

    async def _repeat_attempts(self) -> Ended:
        """Make attempts until the policy gives up; return how the last one ended."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._options.timeout
        while True:
            attempt = self._attempt = Attempt(self._parts, self._attempt)
            ended = await self._make(attempt)
            if attempt.is_superseded:
                deadline = now() + self._options.timeout
                continue
            delay = None if self._is_stopping else self._policy.next_delay(ended)
            starting = self._status.state is ConnectionState.CONNECTING
            if delay is None or (starting and now() + delay >= deadline):
                return ended
            if not starting:
                self._status.enter(ConnectionState.RECONNECTING, ended.error)
            self._status.reconnect_attempts = self._policy.attempts
            self._status.error = ended.error
            self._announce("reconnect_attempt", self._policy.attempts)
            logger.info("connection failed: %s; next attempt in %.1f s", ended.error, delay)
            await self._pause(delay)

    async def _pause(self, delay: float) -> None:
        self._retry.clear()
        try:
            async with asyncio.timeout(delay):
                await self._retry.wait()
        except TimeoutError:
            pass

    async def _make(self, attempt: Attempt) -> Ended:
        """Make one attempt and, if it succeeds, stay connected until the connection ends."""
        try:
            session = await attempt.connect()
        except Exception as error:
            return self._failed(attempt, error)
        else:
            return await self._stay(attempt, session)
        finally:
            self.session = None
            await attempt.end()

    def _failed(self, attempt: Attempt, error: Exception) -> Ended:
        if not attempt.is_superseded:
            self._announce("connect_error", error)
        # Once connected, the settings are known to be good: such an error may pass, for example
        # when the server renews its certificate.
        final = self._status.state is ConnectionState.CONNECTING and is_final(error)
        shown = error if final else explain(error, self._options.server)
        return Ended(shown, advice=attempt.advice, is_final=final)

    async def _stay(self, attempt: Attempt, session: TransportSession) -> Ended:
        loop = asyncio.get_running_loop()
        since = loop.time()
        returned = self._status.state is ConnectionState.RECONNECTING
        attempts = self._policy.attempts
        self.session = session
        self._status.enter(ConnectionState.CONNECTED)
        self._parts.outbox.resume(session)
        self._settle_outcome(None)
        self._outcome = None
        self._health.receive_connected(returned)
        self._announce("connect")
        if returned:
            self._announce("reconnect", attempts)
        # Callers of `connect` subscribe when it returns. They must not miss an event.
        await run_ready_callbacks()
        attempt.deliver()
        try:
            reason = await asyncio.shield(session.closed)
        finally:
            self._health.receive_dropped(unasked=not self._is_stopping)
        self._announce("disconnect", reason.socketio)
        message = attempt.advice.message if attempt.advice else reason.message
        error = explain(session.error or NotConnected(message), self._options.server)
        return Ended(error, loop.time() - since, attempt.advice)

    def _stop_trying(self) -> ConnectionState:
        if self._status.state is ConnectionState.CONNECTED and not self._options.reconnection:
            return ConnectionState.DISCONNECTED
        self._announce("reconnect_failed")
        return ConnectionState.ERROR

    def _conclude(self, state: ConnectionState, error: Exception | None) -> None:
        self._task = None
        reason = error or NotConnected("the client disconnected")
        gave_up = state is ConnectionState.ERROR
        self._parts.outbox.refusal = error if gave_up else None
        self._parts.outbox.fail(reason)
        self._parts.rooms.give_up()
        self._settle_outcome(reason)
        self._give_up(error if gave_up else None)
        # Last, because listeners of the state may call `start` again.
        self._status.enter(state, error)

    def _announce(self, name: str, *arguments: object) -> None:
        self._parts.inbox.announce(name, None, arguments)
