"""`Server`: the object that an application creates, mounts and publishes through."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Literal, Self, TypeVar, overload
from uuid import UUID

from msgspec import UNSET, UnsetType

from longwire.broker import Broker, MemoryBroker
from longwire.callables import awaiting
from longwire.catalog import CATALOG, Announcement, AnnouncementLevel, JobCancel, JobCreated
from longwire.clock import clock
from longwire.connection.connection import ConnectionOptions
from longwire.engineio.server import Options
from longwire.errors import (
    AuthenticationError,
    BrokerUnavailable,
    ConditionFailed,
    ConfigurationError,
    InvalidRoom,
    LongwireError,
)
from longwire.jobs import Job, JobState
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.log.condition import Condition
from longwire.schema import Contract, Encoded, Event, declaration_of
from longwire.server.access.authentication import Authenticator, Identity
from longwire.server.access.fingerprints import Fingerprints
from longwire.server.access.origin import OriginPolicy
from longwire.server.access.publish_rules import PublishRule, PublishRules
from longwire.server.access.rules import RoomRules, Rule, is_signed_in, is_that_user
from longwire.server.asgi.app import SocketIOApp
from longwire.server.asgi.mount import Mountable, mount, serve_lifespan, wrap
from longwire.server.clients.commands import Services
from longwire.server.clients.handlers import Handler, Handlers
from longwire.server.clients.sessions import Sessions
from longwire.server.clients.socket import Socket
from longwire.server.consumers.consumers import Consumers
from longwire.server.consumers.delivery import ConsumerStatus, Delivery, ParkedEvent
from longwire.server.consumers.registration import (
    ATTEMPTS,
    BACKOFF,
    CONCURRENCY,
    TIMEOUT,
    ConsumerHandler,
    Registration,
    Start,
    register,
)
from longwire.server.control.actions import ANNOUNCE, Action
from longwire.server.control.control import Control
from longwire.server.control.nodes import Nodes
from longwire.server.control.occupancy import Occupancy, RoomHook
from longwire.server.control.watchers import WatcherCounts, Watchers
from longwire.server.errors import ServerStopped, report
from longwire.server.jobs.appends import draft_of
from longwire.server.jobs.fences import check_attempt
from longwire.server.jobs.jobs import ServerJobs
from longwire.server.jobs.leases import SURVEY_INTERVAL
from longwire.server.jobs.registry import ROOM_PREFIX
from longwire.server.lifecycle.descriptors import DescriptorWatch
from longwire.server.lifecycle.drain import Drain
from longwire.server.lifecycle.readiness import READY, BrokerCheck, Readiness
from longwire.server.lifecycle.splits import warn_of_split
from longwire.server.lifecycle.startup import Startup
from longwire.server.limits import Limits, check_id
from longwire.server.recovery.recovery import Recovery, RecoveryOptions
from longwire.server.rooms.handle import ServerRoom
from longwire.server.rooms.hub import Hub
from longwire.server.scope import ASGIApp, Receive, Scope, Send
from longwire.server.statistics import Statistics
from longwire.server.uvicorn.shutdown import before_uvicorn_stops, count_workers
from longwire.types import Position
from longwire.values import Values
from longwire.wire import PublishRequest

E = TypeVar("E", bound=Event)
PublishRuleT = TypeVar("PublishRuleT", bound=PublishRule)
M = TypeVar("M")

# Seconds in which a new session must sign in: clients do so in their first packet.
CONNECT_TIMEOUT = 10.0


class Server:
    """Carries typed events between this process and Socket.IO clients.

    The server is an ASGI application that serves `/socket.io/` below its mount point.
    `mount(app)` adds it to a FastAPI or Starlette application, lifespan included.

    Args:
        contract: every event and room that the server accepts.
        broker: stores the rooms' logs; in memory by default.
        authenticate: turns a token into an identity, or returns None to refuse it. Required:
            pass `anonymous` to accept every client.
        shared_jobs: whether every signed-in user may watch a job without an owner; otherwise
            only services may.
        allowed_origins: web origins besides the server's own that may connect, or `"*"`.
        options: Engine.IO options, such as the heartbeat's interval.
        connection_options: limits on the packets of one connection.
        limits: limits on what one client may use.
        recovery: lets stock Socket.IO clients recover their connections; off by default, as in
            Socket.IO.
        job_survey_interval: seconds between two searches for jobs that other nodes started, so
            that this node can end them if both node and worker die. Only with a shared broker.

    Raises:
        ConfigurationError: `authenticate` is missing.
    """

    def __init__(
        self,
        *,
        contract: Contract = CATALOG,
        broker: Broker | None = None,
        authenticate: Authenticator | None = None,
        shared_jobs: bool = False,
        allowed_origins: Collection[str] | str = (),
        options: Options | None = None,
        connection_options: ConnectionOptions | None = None,
        limits: Limits | None = None,
        recovery: RecoveryOptions | None = None,
        job_survey_interval: float = SURVEY_INTERVAL,
    ) -> None:
        if authenticate is None:
            raise ConfigurationError(
                "Server needs authenticate=…: jwt_authenticator(secret), a function of your own, "
                "or longwire.server.anonymous to accept every client"
            )
        self.contract = contract
        self.broker: Broker = MemoryBroker() if broker is None else broker
        self.limits = limits or Limits()
        self.statistics = Statistics()
        self.hub = Hub(
            self.broker, self.limits.replay_slice, self.limits.fanout_slice, self.statistics
        )
        self.rules = RoomRules(contract)
        self.publish_rules = PublishRules(contract, self.rules)
        self.fingerprints = Fingerprints(contract)
        self._values = Values(contract, self._read_value, self.publish)
        self._authenticate = awaiting(authenticate)
        self._handlers = Handlers(contract)
        self._jobs = ServerJobs(
            self,
            self.broker,
            self.hub,
            self.rules,
            contract,
            self._start_once,
            shared_jobs=shared_jobs,
            survey_interval=job_survey_interval,
        )
        self._control = Control(self.broker, self.hub, self.limits, lambda: self.sockets)
        self._consumers = Consumers(self.broker, self.hub, contract, self.limits.parked_events)
        settle = self.limits.vacated_after
        self.nodes = Nodes(self.broker, self.hub, self.limits.node_lease, settle)
        self._watchers = WatcherCounts(self.hub, self.nodes)
        self._occupancy = Occupancy(self.broker, self.hub, self.nodes, contract, settle)
        self.options = options = options or Options()
        self.connection_options = connection_options or ConnectionOptions(
            connect_timeout=CONNECT_TIMEOUT
        )
        services = Services(
            self.hub,
            self.rules,
            self.publish_rules,
            self.limits,
            self.fingerprints,
            self.authenticate,
            self._publish_request,
            self._read_value,
            self._control.revocations,
            self.statistics,
        )
        self._sessions = Sessions(
            services,
            self._handlers,
            options,
            self.connection_options,
            Recovery(recovery, self.broker, self.rules, self.hub) if recovery else None,
        )
        self._socketio = SocketIOApp(
            self._sessions, OriginPolicy(allowed_origins), options, self.limits, self._is_ready
        )
        self._startup = Startup(self.start)
        self._drain = Drain(self._sessions, self.limits, is_shared=self.broker.is_shared)
        self._broker_check = BrokerCheck(self.broker)
        self._descriptors = DescriptorWatch()
        self._started: asyncio.Future[None] | None = None
        self._is_closed = self._is_closing = False
        self._leave_uvicorn: Callable[[], None] = lambda: None
        self._declare_defaults()

    # Lifecycle

    async def start(self) -> None:
        """Open the broker. The lifespan does this; without one, the first request does.

        Raises:
            BrokerUnavailable: the broker cannot be reached. `start_or_wait` tries again.
            LogFileError: the file with the logs cannot be used.
        """
        if self._started is not None:
            if not self._started.done():
                await asyncio.shield(self._started)
            return
        self._is_closed = False
        self._drain.reset()
        warn_of_split(self.broker, count_workers())
        started = self._started = asyncio.get_running_loop().create_future()
        try:
            await self.broker.start(self.hub)
            await self._control.start()
            await self.nodes.start()
            await self._occupancy.start()
            await self._jobs.start()
            await self._consumers.start()
        except BaseException as error:
            started.set_exception(error)
            started.exception()  # marks it as retrieved: there may be no other waiter
            self._started = None
            await self._consumers.close()
            await self._close_control()
            await self.broker.close()
            raise
        started.set_result(None)
        self._jobs.serve()
        self._consumers.serve()
        self._descriptors.start()
        self._leave_uvicorn = before_uvicorn_stops(self._drain_before_stop, self.close)

    async def start_or_wait(self) -> None:
        """Start the server, or continue to try in the background until its broker answers.

        Until then clients and requests get 503, publishing raises `BrokerUnavailable`, and
        `readiness` returns `starting`. `mount`, `lifespan` and `longwire serve` start this way.

        Raises:
            BrokerUnavailable: the address or the password of the broker is wrong.
            LogFileError: the file with the logs cannot be used.
        """
        await self._startup.begin()

    async def wait_started(self, timeout: float | None = None) -> None:
        """Return once a start that `start_or_wait` continues has succeeded.

        Raises:
            BrokerUnavailable: the broker could not be reached within `timeout` seconds, or rejects
                the password.
        """
        await self._startup.wait(timeout)

    async def readiness(self) -> Readiness:
        """Return whether the server should receive clients; asks the broker, for at most 0.8 s."""
        if self._is_closed and self._started is None:
            return Readiness("stopped")
        if self._drain.is_active:
            return Readiness("draining")
        if self._started is None or not self._started.done():
            return Readiness("starting")
        failure = await self._broker_check.run()
        if failure is None:
            return READY
        report(BrokerUnavailable(failure))
        return Readiness("broker_unavailable")

    async def drain(self, seconds: float | None = None) -> None:
        """Move all clients of this node to other nodes, before the server is closed.

        New clients are refused with 503 and `Retry-After`, and `readiness` returns `draining`.
        Clients receive `server_shutdown` with advice when to reconnect: with a shared broker in
        batches, so that the others are served meanwhile; otherwise at once, with different delays.
        Clients that are being sent a replay, and those whose events are being handled, come last.
        Publishing and the HTTP interface work until `close`. Nothing is lost: clients resume at
        their positions.

        uvicorn and `longwire serve` do this on SIGTERM.

        Args:
            seconds: the time after which all clients are closed; `Limits.drain_seconds` by default.
        """
        seconds = self.limits.drain_seconds if seconds is None else seconds
        await self._drain.run(seconds, lambda: False)

    @property
    def is_draining(self) -> bool:
        """Whether the server moves its clients elsewhere, because it is about to stop."""
        return self._drain.is_active

    async def until_draining(self) -> None:
        """Return when a drain begins: the moment to end a stream or another long response."""
        await self._drain.until_active()

    async def close(self) -> None:
        """Interrupt the jobs that run here, end all sessions, and close the broker.

        Every client receives the reason `server_shutdown`; `drain` closes them in batches
        beforehand. Publishing raises `ConfigurationError` until the server is started again.
        """
        if self._startup.is_waiting:
            self._is_closed = True
            await self._startup.cancel()
        if self._started is None or self._is_closing:
            return
        self._is_closing = self._is_closed = True
        self._drain.begin()
        self._descriptors.stop()
        try:
            self._leave_uvicorn()
            self._occupancy.stop()
            await self._jobs.interrupt()
            await self._consumers.close()
            await self._sessions.close()
            await self._jobs.close()
            await self._close_control()
            await self.hub.close()
            await self.broker.close()
        finally:
            self._started = None
            self._is_closing = False

    async def _close_control(self) -> None:
        await self._occupancy.close()
        await self.nodes.close()
        await self._control.close()

    async def _drain_before_stop(self, is_hurried: Callable[[], bool]) -> None:
        await self._drain.run(self.limits.drain_seconds, is_hurried)
        self._is_closed = True

    async def _is_ready(self) -> bool:
        if self._is_closed or self._startup.is_waiting:
            return False
        await self.start()
        return True

    async def _start_once(self) -> None:
        if self._is_closed and self._started is None:
            raise ServerStopped
        if self._startup.is_waiting:
            raise BrokerUnavailable(f"the server waits for its broker: {self._startup.error}")
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None]:
        """Run the server while an application runs; an ASGI lifespan to compose or pass on.

        The application starts also if the broker cannot be reached yet; see `start_or_wait`.
        """
        await self.start_or_wait()
        try:
            yield
        finally:
            await self.close()

    # ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve ASGI: HTTP, WebSocket and lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self.lifespan, receive, send)
        else:
            await self._socketio(scope, receive, send)

    def mount(self, app: Mountable) -> None:
        """Add `/socket.io/` to a FastAPI or Starlette application, within its lifespan.

        The application starts before the server and stops after it.
        """
        mount(app, self._socketio, self.lifespan)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI application that serves `/socket.io/` and passes the rest to `app`.

        The server runs within the lifespan of `app`: it starts after `app` and stops before it.
        """
        return wrap(app, self._socketio, self)

    # Registration

    @overload
    def on(self, event: type[E]) -> Callable[[Handler[E]], Handler[E]]: ...
    @overload
    def on(self, event: str) -> Callable[[Handler[list[Any]]], Handler[list[Any]]]: ...
    def on(self, event: type[E] | str) -> Callable[[Any], Any]:
        """Register the handler of an event that clients send: `@server.on(JobCancel)`.

        The handler of a declared event receives the validated event and the socket; the handler
        of an undeclared event, given by its name, the list of its arguments and the socket. The
        return value is the acknowledgement; a LongwireError that it raises is sent as the error.
        Handlers of one client start in the order of its events; `async` ones run concurrently.

        Raises:
            ContractError: the event is unknown or reserved, clients never send it, or it has a
                handler already.
        """
        is_raw = isinstance(event, str)
        name = event if isinstance(event, str) else declaration_of(event).name
        (self._handlers.check_raw if is_raw else self._handlers.check)(name)

        def register(handler: Any) -> Any:
            (self._handlers.add_raw if is_raw else self._handlers.add)(name, awaiting(handler))
            return handler

        return register

    def consumer(
        self,
        name: str,
        *events: type[M],
        start: Start = "now",
        attempts: int = ATTEMPTS,
        backoff: float = BACKOFF,
        timeout: float | None = TIMEOUT,
        concurrency: int = CONCURRENCY,
    ) -> Callable[[ConsumerHandler[M]], ConsumerHandler[M]]:
        """Register a consumer: `@server.consumer("ledger", JobCompleted)`.

        The handler receives every event of these types in any room, wherever it was published,
        and a `Delivery`. Each event is delivered at least once, on one of the nodes that register
        the consumer, and the events of a room in the order of its log: the next one after the
        handler has returned and its position is stored. A restart continues there.

        If the handler raises, it is called again with increasing delays, and the room waits. After
        `attempts` failures the event is parked (see `parked`), and the room continues.

        A consumer reads logs: of `Latest` and `Concat` events it receives what the log retains,
        which is the newest value, or joined text.

        Args:
            name: identifies the consumer and its position for good.
            *events: the types of the events.
            start: where the consumer begins when it runs for the first time: with events that are
                published from `now` on, or with the `beginning` of what the logs retain.
            attempts: calls of the handler before an event is parked.
            backoff: seconds before the second attempt; doubled for each further one, up to 60.
            timeout: seconds that a call may take before it is cancelled and counts as failed; None
                for no limit.
            concurrency: rooms whose events are handled at the same time on one node.

        Raises:
            ConfigurationError: the server has started, the name is taken or not valid, the contract
                lacks an event, or an option is not valid.
        """
        self._consumers.check(name, is_started=self._started is not None)

        def add(handler: ConsumerHandler[M]) -> ConsumerHandler[M]:
            self._consumers.check(name, is_started=self._started is not None)
            self._consumers.add(declared(handler))
            return handler

        def declared(handler: ConsumerHandler[M]) -> Registration:
            return register(
                self.contract,
                name,
                events,
                handler,
                start=start,
                attempts=attempts,
                backoff=backoff,
                timeout=timeout,
                concurrency=concurrency,
            )

        declared(_no_handler)  # raises where the consumer is declared
        return add

    def rule(self, pattern: str) -> Callable[[Rule], Rule]:
        """Register the rule of a room pattern: `@server.rule("campaign:{campaign_id}")`.

        See `Rule`. A later rule replaces an earlier one.

        Raises:
            ContractError: the contract does not have this pattern.
        """

        def register(rule: Rule) -> Rule:
            self.rules.add(pattern, rule)
            return rule

        return register

    def publish_rule(self, pattern: str, *events: type) -> Callable[[PublishRuleT], PublishRuleT]:
        """Register a rule by which users may publish: `@server.publish_rule("a:{id}", Changed)`.

        Without a rule only services may publish. The rule applies to these event types in the rooms
        of the pattern, over the connection and over HTTP; see `PublishRule`. A rule that raises
        refuses the event. A later rule replaces an earlier one.

        Raises:
            ContractError: the contract does not have the pattern or an event, or an event declares
                another room.
        """

        def register(rule: PublishRuleT) -> PublishRuleT:
            self.publish_rules.add(pattern, events, rule)
            return rule

        return register

    def on_occupied(self, pattern: str) -> Callable[[RoomHook], RoomHook]:
        """Register a hook for rooms that get their first member: `@server.on_occupied("job:{id}")`.

        The hook receives the room and the parameters of the pattern, and may be `async`. It is
        called on one of the servers that share a broker, once each time the room goes from no
        member on any of them to one: at most once, if that server dies meanwhile. Register it on
        every server, before it starts. Rooms of other patterns cost nothing.

        Raises:
            ContractError: the contract does not have this pattern.
            ConfigurationError: the server has started.
        """
        return self._register_hook(pattern, self._occupancy.on_occupied)

    def on_vacated(self, pattern: str) -> Callable[[RoomHook], RoomHook]:
        """Register a hook for rooms that have had no member for `Limits.vacated_after` seconds.

        See `on_occupied`. The members of a server that died, or is cut off from the broker, do not
        count from `Limits.node_lease` on. A server that was the only one calls the hook when it is
        started again with the same logs.

        Raises:
            ContractError: the contract does not have this pattern.
            ConfigurationError: the server has started.
        """
        return self._register_hook(pattern, self._occupancy.on_vacated)

    def _register_hook(
        self, pattern: str, add: Callable[[str, RoomHook], None]
    ) -> Callable[[RoomHook], RoomHook]:
        if self._started is not None:
            raise ConfigurationError("register hooks of rooms before the server starts")

        def register(hook: RoomHook) -> RoomHook:
            add(pattern, hook)
            return hook

        return register

    async def watchers(self, room: str) -> Watchers:
        """Count the connections in a room on all nodes, and name their users.

        Nodes that do not answer within a second are named in `missing`. Job workers and other
        publishers are not in a room and do not count.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        await self._start_once()
        return await self._watchers.count(room)

    # Publishing

    async def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | None = None,
        volatile: bool = False,
    ) -> Position:
        """Append an event to its room's log and deliver it to every member of the room.

        Returns when the event is in the log. Publications of one caller to one room keep the
        order of the calls, and every node delivers them in the same order.

        Args:
            event: is validated; a `timestamp` of 0 is replaced by the current time.
            room: required if the event's type declares no room; overrides the declared one.
            id: makes a retry safe: within five minutes the same id in the same room is appended
                once, and later calls return the first position. At most 200 characters.
            expect: append only if the newest entry of the same event and key is at this position,
                or, if None, does not exist.
            attempt: append only if this is the job's current attempt and has not ended. With
                `JobCreated`: begin this attempt for the calling worker.
            volatile: skip the log. The event is delivered at most once, and dropped for members
                that lag. Returns the log's end.

        Raises:
            InvalidEvent: a value does not fit its field.
            InvalidRoom: the room is missing or matches no pattern.
            InvalidId: the id is empty or too long.
            IdempotencyConflict: the id was used for another event.
            Conflict: the newest entry is not at the expected position.
            StaleAttempt: the job has another attempt, or another worker runs this one.
            JobEnded: the attempt has ended.
            ConfigurationError: `expect` or `attempt` is used with `volatile`, or `attempt` outside
                the rooms of jobs.
            BrokerUnavailable: the log cannot be reached; retry with the same id.
        """
        encoded = self.contract.encode(event, _now_ms(), room)
        return (await self._append(encoded, id, volatile, expect, attempt))[1]

    def room(self, name: str) -> ServerRoom:
        """Return a handle of a room, to publish to it and to read and update its values.

        Raises:
            InvalidRoom: the name matches no pattern of the contract.
        """
        if not self.rules.is_declared(name):
            raise InvalidRoom(name, f"room {name[:100]!r} matches no pattern of the contract")
        return ServerRoom(name, self, self._values)

    async def _read_value(
        self, room: str, event: str, key: tuple[object, ...]
    ) -> tuple[Position, bytes] | None:
        slot = self.contract.slot_of(event, key, room)
        await self._start_once()
        return await self.broker.newest(room, slot)

    async def start_attempt(self, created: JobCreated, *, id: str | None = None) -> int:
        """Begin the next attempt of a job for the calling worker; see `JobHost`."""
        encoded = self.contract.encode(created, _now_ms())
        _, _, attempt = await self._append(encoded, id, attempt="next")
        return attempt or created.attempt

    async def publish_data(
        self,
        event: str,
        data: bytes,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | Literal["next"] | None = None,
        volatile: bool = False,
    ) -> tuple[str, Position, int | None]:
        """Publish a JSON payload by its event's name; see `publish` and, for "next", `JobHost`.

        Raises:
            UnknownEvent: the contract does not have this event.
        """
        encoded = self.contract.encode_data(event, data, _now_ms(), room)
        return await self._append(encoded, id, volatile, expect, attempt)

    async def _publish_request(self, request: PublishRequest) -> tuple[str, Position, int | None]:
        return await self.publish_data(
            request.event,
            bytes(request.data),
            room=request.room,
            id=request.id,
            expect=request.expect,
            attempt=request.attempt,
            volatile=request.volatile,
        )

    def check_data(
        self,
        event: str,
        data: bytes,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | Literal["next"] | None = None,
        volatile: bool = False,
    ) -> None:
        """Raise what `publish_data` would raise for invalid arguments."""
        encoded = self.contract.encode_data(event, data, _now_ms(), room)
        _check(encoded, id, volatile, expect, attempt)

    async def _append(
        self,
        encoded: Encoded,
        id: str | None,
        volatile: bool = False,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | Literal["next"] | None = None,
    ) -> tuple[str, Position, int | None]:
        try:
            room = _check(encoded, id, volatile, expect, attempt)
            if self._started is None or not self._started.done():
                await self._start_once()
            done: tuple[str, Position, int | None]
            if volatile:
                await self.broker.publish_volatile(room, draft_of(encoded))
                done = (room, await self.broker.position(room), None)
            elif room.startswith(ROOM_PREFIX):
                done = await self._jobs.append(room, encoded, id, attempt, expect)
            else:
                condition = None if expect is UNSET else Condition(expect=expect)
                draft = draft_of(encoded)
                position = await self.broker.publish(room, draft, id=id, condition=condition)
                done = (room, position, None)
        except LongwireError as error:
            self.statistics.refused[error.code] += 1
            if isinstance(error, ConditionFailed):
                error.room = encoded.room or ""
            raise
        self.statistics.published[encoded.event] += 1
        return done

    # Identities

    async def authenticate(self, token: str) -> Identity:
        """Return the identity that a token stands for.

        Raises:
            AuthenticationError: the authenticator refused the token, it has expired or was revoked,
                or it is valid for longer than `Limits.token_lifetime`.
            BrokerUnavailable: this node is cut off from its log, so it cannot know whether the
                token was revoked.
        """
        identity = await self._authenticate(token)
        if identity is None:
            raise AuthenticationError("the token was refused")
        if identity.expires_at is not None:
            self._check_expiry(identity.expires_at)
        if self._started is None and not self._is_closed:
            await self._start_once()  # which reads the revocations
        await self._control.check(identity)
        return identity

    def _check_expiry(self, expires_at: float) -> None:
        remaining = expires_at - clock.time()
        if remaining <= 0:
            raise AuthenticationError("token has expired", "token_expired")
        if remaining > self.limits.token_lifetime:
            raise AuthenticationError(
                "token is invalid: it is valid for longer than the server's "
                f"Limits.token_lifetime of {self.limits.token_lifetime:g} seconds"
            )

    def check_revoked(self, identity: Identity) -> None:
        """Return if an identity that was authenticated earlier is still valid.

        Call it where a request lasts, such as before each part of a stream. It costs about a
        microsecond.

        Raises:
            AuthenticationError: the identity was revoked in the meantime.
        """
        self._control.revocations.check(identity)

    # Operators

    async def revoke(
        self,
        *,
        user: str | None = None,
        token_id: str | None = None,
        issued_before: float | None = None,
        expires_at: float | None = None,
        by: str = "server",
    ) -> None:
        """Refuse a user or a token on all nodes, and end its connections.

        Connections end with the reason `token_revoked`, after which clients do not come back with
        the same token. Sign-ins, and requests over HTTP, are refused with the code
        `token_revoked`. On nodes that share a broker this takes effect within milliseconds; a node
        that is cut off from it, or starts later, reads the revocation before it accepts anyone or
        delivers anything.

        A revocation can only become stricter; `reinstate` ends it.

        Args:
            user: refuse every token of this user, also one that is issued later.
            token_id: refuse the token with this id: its claim `jti`.
            issued_before: with `user`: refuse only tokens whose claim `iat` is before this time, in
                seconds since the epoch, or missing. `time.time()` signs a user out everywhere.
            expires_at: when the last token that it concerns expires, in seconds since the epoch;
                the revocation is dropped then. By default `Limits.token_lifetime` from now.
            by: the operator, for the audit log.

        Raises:
            ConfigurationError: neither or both of `user` and `token_id` are given, or
                `issued_before` without `user`, or a value is not valid.
            TooManyRevocations: there are `Limits.revocations` already.
            BrokerUnavailable: the log cannot be reached; call again.
        """
        await self._start_once()
        await self._control.revoke(user, token_id, issued_before, expires_at, by)

    async def reinstate(
        self, *, user: str | None = None, token_id: str | None = None, by: str = "server"
    ) -> None:
        """End all revocations of a user, or of a token. Does nothing if there is none.

        Raises:
            ConfigurationError: neither or both of `user` and `token_id` are given.
            BrokerUnavailable: the log cannot be reached; call again.
        """
        await self._start_once()
        await self._control.reinstate(user, token_id, by)

    async def disconnect(
        self,
        *,
        user: str | None = None,
        room: str | None = None,
        connection: str | None = None,
        by: str = "server",
    ) -> None:
        """End connections on all nodes, with the reason `server_disconnect`.

        Longwire's clients do not reconnect by themselves then, but nothing keeps them from it; see
        `revoke` for that. A node that is cut off from the broker does it when it is back.

        Args:
            user: the connections of this user.
            room: the connections that are in this room.
            connection: the connection with this public id (`Socket.sid`).
            by: the operator, for the audit log.

        Raises:
            ConfigurationError: not exactly one of `user`, `room` and `connection` is given.
            BrokerUnavailable: the log cannot be reached; call again.
        """
        await self._start_once()
        await self._control.disconnect(user, room, connection, by)

    async def announce(
        self,
        message: str,
        *,
        level: AnnouncementLevel = "info",
        room: str | None = None,
        user: str | None = None,
        by: str = "server",
    ) -> Position:
        """Publish an `Announcement`, by default to everyone who is signed in, and record it.

        Args:
            message: the text to show.
            level: the severity: `info`, `warning` or `error`.
            room: announce it in this room only.
            user: announce it to this user only.
            by: the operator, for the audit log.

        Raises:
            ConfigurationError: both `room` and `user` are given, or the message is longer than
                1,000 characters.
            UnknownEvent: the contract does not have `Announcement`.
            InvalidEvent: `level` is not valid.
            InvalidRoom: no pattern of the contract matches the room.
            BrokerUnavailable: the log cannot be reached.
        """
        if room is not None and user is not None:
            raise ConfigurationError("pass at most one of room=… and user=…; got both")
        action = Action(action=ANNOUNCE, by=by, user=user, room=room, message=message)
        event = Announcement(message=message, level=level)
        room = room if user is None else f"user:{user}"
        self.contract.encode(event, _now_ms(), room)  # the audit log must not have what is invalid
        await self._start_once()
        await self._control.record(action)
        return await self.publish(event, room=room)

    async def record_action(self, action: Action) -> None:
        """Append an action of the application's own to the audit log.

        Raises:
            ConfigurationError: a value is too long, or the action has a method of its own.
            BrokerUnavailable: the log cannot be reached.
        """
        await self._start_once()
        await self._control.record(action)

    async def actions(self, limit: int = 100) -> list[Action]:
        """Return the newest actions of operators on all nodes, newest first.

        The audit log keeps the newest 10,000.

        Raises:
            ConfigurationError: `limit` is less than 1.
            BrokerUnavailable: the log cannot be reached.
        """
        await self._start_once()
        return await self._control.actions(limit)

    # Consumers

    @property
    def consumers(self) -> list[ConsumerStatus]:
        """The status of each consumer that runs on this node."""
        return self._consumers.status

    async def parked(self, consumer: str | None = None) -> list[ParkedEvent]:
        """Return the events that a consumer, or any consumer, has parked; oldest first.

        At most `Limits.parked_events`. On any node that shares the broker.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        await self._start_once()
        return await self._consumers.parked(consumer)

    async def retry_parked(self, consumer: str, id: str) -> None:
        """Call a consumer's handler once more with a parked event.

        The node that works on the event's room does so soon. If the handler succeeds, the event is
        no longer parked; if it raises, it stays parked with the new error. Later events of the
        room may have been handled before.

        Raises:
            UnknownParkedEvent: there is no such event.
            BrokerUnavailable: the log cannot be reached; call again.
        """
        await self._start_once()
        await self._consumers.retry_parked(consumer, id)

    async def discard_parked(self, consumer: str, id: str) -> None:
        """Drop a parked event for good; raises like `retry_parked`."""
        await self._start_once()
        await self._consumers.discard_parked(consumer, id)

    @property
    def sockets(self) -> list[Socket]:
        """The clients that are connected to this node."""
        return self._sessions.sockets

    @property
    def session_count(self) -> int:
        """How many connections this node has, including clients that have not signed in."""
        return len(self._sessions)

    # Jobs

    def job(
        self,
        *,
        owner: str | UUID | None = None,
        title: str | None = None,
        job_id: str | UUID | None = None,
        attempt: int | None = None,
        lease: float = DEFAULT_LEASE,
    ) -> Job:
        """Return a new job, to be entered with `async with`; see `Job`.

        Raises:
            ContractError: the contract does not have the events of jobs.
        """
        return self._jobs.create(
            owner=owner, title=title, job_id=job_id, attempt=attempt, lease=lease
        )

    async def job_state(self, job_id: str) -> JobState | None:
        """Return the state of a job, output included; None if its room has no log."""
        return await self._jobs.state(job_id)

    async def jobs(self, identity: Identity | None = None) -> list[JobState]:
        """Return the jobs that `identity` may watch (all by default), most recent activity first.

        The states have no output.
        """
        return await self._jobs.summaries(identity)

    async def cancel_job(self, job_id: str, reason: str | None = None) -> Position:
        """Ask a job to stop; its worker ends it as cancelled. A queued job ends at once.

        Raises:
            UnknownJob: the job's room has no log.
            JobFinished: the job has ended.
        """
        return await self._jobs.cancel(job_id, reason)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` for each request to cancel the job, on any node; return an undo."""
        return self._jobs.on_cancel(job_id, callback)

    def _declare_defaults(self) -> None:
        patterns = {pattern.template for pattern in self.contract.rooms}
        defaults: dict[str, Rule] = {
            "user:{user_id}": is_that_user,
            "global": is_signed_in,
            "job:{job_id}": self._jobs.is_allowed,
        }
        for pattern, rule in defaults.items():
            if pattern in patterns:
                self.rules.add(pattern, rule)
        self._handlers.add_default(declaration_of(JobCancel).name, self._jobs.cancel_for_client)


def _check(
    encoded: Encoded,
    id: str | None,
    volatile: bool,
    expect: Position | UnsetType | None,
    attempt: int | Literal["next"] | None,
) -> str:
    """Return the room of a publication with valid arguments."""
    room = encoded.room
    if room is None:
        raise InvalidRoom("", f"{encoded.event} does not declare a room: pass room=…")
    if id is not None:
        check_id(id)
    if attempt is not None:
        check_attempt(attempt, room, is_job=room.startswith(ROOM_PREFIX))
    if volatile and (attempt is not None or expect is not UNSET):
        raise ConfigurationError("a volatile event has no position: omit expect and attempt")
    if volatile and encoded.merge is not None:
        raise ConfigurationError(
            f"{encoded.event} is merged in the log: publish it without volatile"
        )
    return room


def _no_handler(event: object, context: Delivery) -> None:
    """Stand in for the handler of a consumer while its other arguments are checked."""


def _now_ms() -> int:
    return int(clock.time() * 1000)
