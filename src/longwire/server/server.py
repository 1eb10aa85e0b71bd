"""The server: one object that an application creates, mounts and publishes through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from longwire.broker import Broker, MemoryBroker
from longwire.catalog import CATALOG, JobCancel, JobCreated
from longwire.clock import clock
from longwire.connection import ConnectionOptions
from longwire.engineio import Options
from longwire.errors import AuthenticationError, ConfigurationError, ContractError, InvalidRoom
from longwire.jobs import Job, JobState
from longwire.log import Draft
from longwire.reasons import SERVER_SHUTDOWN
from longwire.schema import Contract, Encoded, Event, declaration_of
from longwire.server.access.fingerprints import Fingerprints
from longwire.server.access.origin import OriginPolicy
from longwire.server.access.rules import RoomRules, Rule, is_signed_in, is_that_user
from longwire.server.asgi.app import Application, beside
from longwire.server.asgi.mount import Mountable, mount, serve_lifespan
from longwire.server.clients.callbacks import Handler, awaiting
from longwire.server.clients.commands import leave_denied_rooms
from longwire.server.clients.endpoint import Endpoint
from longwire.server.clients.handlers import Handlers
from longwire.server.jobs.access import OwnershipWatch
from longwire.server.jobs.appends import JobAppends
from longwire.server.jobs.registry import JobRegistry
from longwire.server.jobs.running import RunningJobs
from longwire.server.limits import Limits, check_id
from longwire.server.recovery.recovery import Recovery, RecoveryOptions
from longwire.server.rooms.hub import Hub
from longwire.server.uvicorn.shutdown import before_uvicorn_stops

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection
    from types import TracebackType

    from longwire.server.access.authentication import Authenticator, Identity
    from longwire.server.clients.socket import Socket
    from longwire.server.scope import ASGIApp, Receive, Scope, Send
    from longwire.types import Position

E = TypeVar("E", bound=Event)

_CREATED = declaration_of(JobCreated).name

# Seconds in which a new session must sign in: clients do so in their first packet.
CONNECT_TIMEOUT = 10.0


class Server:
    """Carries typed events between this process and Socket.IO clients.

    The server is an ASGI application that answers at `/socket.io/` below wherever it is mounted;
    `mount(app)` puts it beside a FastAPI or Starlette application together with its lifespan.

    Args:
        contract: the closed set of events and rooms.
        broker: where the logs are; in memory by default.
        authenticate: turns a token into an identity. Required: pass `anonymous` to let everybody
            in.
        shared_jobs: whether a job without an owner is everyone's who is signed in.
        allowed_origins: web origins beside the server's own that may connect, or `"*"`.
        options: Engine.IO's options.
        connection_options: bounds on a connection's packets.
        limits: what one peer may cost.
        recovery: lets stock clients recover their connections; off by default, as in Socket.IO.

    Raises:
        ConfigurationError: There is no authenticator.
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
    ) -> None:
        if authenticate is None:
            raise ConfigurationError(
                "Server needs authenticate=…: jwt_authenticator(secret), a function, or "
                "longwire.server.anonymous to admit everyone"
            )
        self.contract = contract
        self.broker: Broker = MemoryBroker() if broker is None else broker
        self.limits = limits or Limits()
        self.hub = Hub(self.broker, self.limits.replay_slice, self.limits.fanout_slice)
        self._ownership = OwnershipWatch(self.hub, lambda who: leave_denied_rooms(self, who))
        self.rules = RoomRules(contract)
        self.fingerprints = Fingerprints(contract)
        self._authenticate = awaiting(authenticate)
        self._shared_jobs = shared_jobs
        self._handlers = Handlers(contract)
        self._jobs = JobRegistry(self.broker, contract, self._publish_once, shared_jobs=shared_jobs)
        options = options or Options()
        self._endpoint = Endpoint(
            self,
            self._handlers,
            options,
            connection_options or ConnectionOptions(connect_timeout=CONNECT_TIMEOUT),
            Recovery(recovery, self.broker, self.rules, self.hub) if recovery else None,
        )
        self._application = Application(
            self._endpoint, OriginPolicy(allowed_origins), options, self._is_ready
        )
        self._started: asyncio.Future[None] | None = None
        self._is_closed = self._is_closing = False
        self._leave_uvicorn: Callable[[], None] = lambda: None
        self._job_appends = JobAppends(self.broker, self._observe)
        self._running_jobs = RunningJobs(self.hub, contract, self._start_once)
        self._declare_defaults()

    # Life

    async def start(self) -> None:
        """Open the broker; done by the lifespan, and on the first request where nobody runs it."""
        if self._started is not None:
            if not self._started.done():
                await asyncio.shield(self._started)
            return
        self._is_closed = False
        started = self._started = asyncio.get_running_loop().create_future()
        try:
            await self.broker.start(self._ownership)
            await self._jobs.start()
        except BaseException as error:
            started.set_exception(error)
            started.exception()
            self._started = None
            await self.broker.close()
            raise
        started.set_result(None)
        self._leave_uvicorn = before_uvicorn_stops(self._say_goodbye, self.close)

    async def close(self) -> None:
        """Interrupt the jobs that run here, end all sessions, and close the broker.

        Every client is told that the server restarts. What is published afterwards is refused,
        until the server is started again.
        """
        if self._started is None or self._is_closing:
            return
        self._is_closing = self._is_closed = True
        try:
            self._leave_uvicorn()
            await self._running_jobs.close()
            await self._endpoint.close()
            await self._jobs.close()
            await self._job_appends.close()
            await self.hub.close()
            await self.broker.close()
        finally:
            self._started = None
            self._is_closing = False

    def _say_goodbye(self) -> None:
        self._is_closed = True
        for socket in self.sockets:
            socket.disconnect(SERVER_SHUTDOWN, self.limits.retry_after)

    async def _is_ready(self) -> bool:
        if self._is_closed:
            return False
        await self.start()
        return True

    async def _start_once(self) -> None:
        if self._is_closed and self._started is None:
            raise ConfigurationError("the server is closed; start it again first")
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None]:
        """Run the server while an application runs; an ASGI lifespan to compose or pass on."""
        async with self:
            yield

    # ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve ASGI: HTTP, WebSocket and lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self, receive, send)
        else:
            await self._application(scope, receive, send)

    def mount(self, app: Mountable) -> None:
        """Serve `/socket.io/` beside a FastAPI or Starlette application, within its lifespan.

        The application starts before the server and stops after it.
        """
        mount(app, self._application, self)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI application that serves `/socket.io/` and leaves the rest to `app`."""
        return beside(self._application, app)

    # Declarations

    @overload
    def on(self, event: type[E]) -> Callable[[Handler[E]], Handler[E]]: ...
    @overload
    def on(self, event: str) -> Callable[[Handler[list[Any]]], Handler[list[Any]]]: ...
    def on(self, event: type[E] | str) -> Callable[[Any], Any]:
        """Register the handler of an event that clients send: `@server.on(JobCancel)`.

        A declared event's handler takes the validated event and the socket; an undeclared one's,
        named by a string, the list of its arguments and the socket. What it returns is the
        acknowledgement; a LongwireError that it raises is the refusal. Handlers of one client
        start in order and, if they are `async`, run side by side.

        Raises:
            ContractError: the event is unknown, reserved, or handled already.
        """

        def register(handler: Any) -> Any:
            if isinstance(event, str):
                self._handlers.add_raw(event, awaiting(handler))
            else:
                self._handlers.add(declaration_of(event).name, awaiting(handler))
            return handler

        return register

    def rule(self, pattern: str) -> Callable[[Rule], Rule]:
        """Register who may join the rooms of a pattern: `@server.rule("campaign:{campaign_id}")`.

        Raises:
            ContractError: the contract has no such pattern.
        """

        def register(rule: Rule) -> Rule:
            self.rules.add(pattern, rule)
            return rule

        return register

    # Publishing

    async def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        volatile: bool = False,
    ) -> Position:
        """Append an event to its room's log and deliver it to everybody there.

        Returns when the event is in the log, in the order of the calls for one room. Everybody
        on every node sees the same order.

        Args:
            event: validated as it goes out; a `timestamp` of 0 is stamped.
            room: the room, where the event's own pattern does not tell it.
            id: makes a retry safe: within five minutes the same id in the same room is appended
                once, and answers with the first position. At most 200 characters.
            volatile: skip the log: at most once, dropped for connections that lag. The position
                is then the log's end.

        Raises:
            InvalidEvent: a value does not fit its field.
            InvalidRoom: the room is missing or fits no pattern.
            InvalidId: the id is empty or too long.
            IdempotencyConflict: the id was used for another event.
            BrokerUnavailable: the log cannot be reached; retry with the same id.
        """
        if isinstance(event, JobCreated) and room is None:
            event = await self._complete(event)
        encoded = self.contract.encode(event, _now_ms(), room)
        return (await self._append(encoded, id, volatile))[1]

    async def publish_data(
        self,
        event: str,
        data: bytes,
        *,
        room: str | None = None,
        id: str | None = None,
        volatile: bool = False,
    ) -> tuple[str, Position]:
        """Publish a payload in JSON by its event's name; otherwise like `publish`.

        Raises:
            UnknownEvent: the contract has no such event.
        """
        encoded = self.contract.encode_data(event, data, _now_ms(), room)
        if event == _CREATED and room is None:
            created = cast("JobCreated", self.contract.decode(event, encoded.data))
            encoded = self.contract.encode(await self._complete(created), _now_ms())
        return await self._append(encoded, id, volatile)

    def check_data(
        self, event: str, data: bytes, *, room: str | None = None, id: str | None = None
    ) -> None:
        """Return if `publish_data` would accept this event; raise what it would raise."""
        encoded = self.contract.encode_data(event, data, _now_ms(), room)
        _room_of(encoded)
        check_id(id)

    async def _append(
        self, encoded: Encoded, id: str | None, volatile: bool
    ) -> tuple[str, Position]:
        room = _room_of(encoded)
        check_id(id)
        if self._started is None or not self._started.done():
            await self._start_once()
        draft = Draft(encoded.event, encoded.data, encoded.slot, encoded.concat)
        if volatile:
            await self.broker.publish_volatile(room, draft)
            return room, await self.broker.position(room)
        if not room.startswith("job:"):
            return room, await self.broker.publish(room, draft, id=id)
        return room, await self._job_appends.append(room, draft, id)

    async def _publish_once(self, event: Event, id: str) -> Position:
        return await self.publish(event, id=id)

    # Identities

    async def authenticate(self, token: str) -> Identity:
        """Return whom a token speaks for.

        Raises:
            AuthenticationError: the token is refused.
        """
        identity = await self._authenticate(token)
        if identity is None:
            raise AuthenticationError("the token was refused")
        if identity.expires_at is not None and identity.expires_at <= clock.time():
            raise AuthenticationError("token has expired", "token_expired")
        return identity

    @property
    def sockets(self) -> list[Socket]:
        """The clients that are connected to this node."""
        return self._endpoint.sockets

    # Jobs

    def job(
        self, *, owner: str | None = None, title: str | None = None, job_id: str | None = None
    ) -> Job:
        """Return a new job, to be entered with `async with`.

        Raises:
            ContractError: the contract has no jobs.
        """
        if _CREATED not in self.contract.events:
            raise ContractError(
                "jobs need the events of the catalogue: Server(contract=CATALOG | Contract([…]))"
            )
        return self._running_jobs.add(Job(self, job_id=job_id, owner=owner, title=title))

    async def job_state(self, job_id: str) -> JobState | None:
        """Return the folded state of a job; None if nothing is known of it."""
        await self._start_once()
        return await self._jobs.state(job_id)

    async def jobs(self, identity: Identity | None = None) -> list[JobState]:
        """Return the jobs that `identity` may see, without output, newest activity first."""
        await self._start_once()
        return await self._jobs.summaries(identity)

    async def cancel_job(self, job_id: str, reason: str | None = None) -> Position:
        """Ask a job to stop; its worker ends it as cancelled.

        Raises:
            UnknownJob: there is no such job.
            JobFinished: it has ended.
        """
        await self._start_once()
        await self._jobs.check_running(job_id)
        return await self.publish(JobCancel(job_id=job_id, reason=reason))

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call back for every request to cancel the job, from any node; return the undo."""
        return self._running_jobs.listen(job_id, callback)

    async def _observe(self, appended: Draft, position: Position) -> None:
        """Follow a job: its lease, and who is to know of it."""
        event = self.contract.decode(appended.event, appended.data)
        if isinstance(event, Event):
            self._jobs.observe(event, position)
        if isinstance(event, JobCreated):
            await self._ownership.settled()
            await self._announce(event, position)

    async def _complete(self, created: JobCreated) -> JobCreated:
        await self._start_once()
        return await self._jobs.complete(created)

    async def _announce(self, created: JobCreated, position: Position) -> None:
        """Tell those whose job it is that there is one, where they are already, once."""
        room = "global" if created.owner is None else f"user:{created.owner}"
        concerns = created.owner is not None or self._shared_jobs
        if concerns and self.contract.match_room(room) is not None:
            await self.publish(created, room=room, id=f"{position.epoch}:{position.offset}")

    async def _cancel_for_client(self, event: JobCancel, socket: Socket) -> object:
        await self.rules.check(socket.identity, f"job:{event.job_id}")
        await self.cancel_job(event.job_id, event.reason)
        return {"ok": True}

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
        self._handlers.add_default(declaration_of(JobCancel).name, self._cancel_for_client)


def _room_of(encoded: Encoded) -> str:
    if encoded.room is None:
        raise InvalidRoom("", f"{encoded.event} does not tell its room: room is required")
    return encoded.room


def _now_ms() -> int:
    return int(clock.time() * 1000)
