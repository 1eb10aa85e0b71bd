"""The asyncio client."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self, Unpack
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from longwire.catalog import CATALOG, JobCancel, JobCreated
from longwire.client.callbacks import check_plain
from longwire.client.connection.attempt import ClientParts
from longwire.client.connection.reconnection import Backoff
from longwire.client.connection.supervisor import Supervisor
from longwire.client.connection.tokens import Tokens, TokenSource
from longwire.client.handlers.registry import Subscriptions
from longwire.client.health import Health, HealthSnapshot
from longwire.client.job_tracker import JobFeeds, JobTracker
from longwire.client.options import ClientKeywords, ClientOptions
from longwire.client.receiving.inbox import Inbox, LogEntry
from longwire.client.receiving.room import Room
from longwire.client.receiving.subscribing import Listeners, Subscribable
from longwire.client.rooms.membership import ROOM_LIVE, JoinResult, RoomReset, RoomStatus, Start
from longwire.client.rooms.rooms import Rooms
from longwire.client.sending.health_report import HealthReporter
from longwire.client.sending.link_watch import LinkWatch
from longwire.client.sending.open_jobs import OpenJobs
from longwire.client.sending.outbox import Outbox, OutboxLimits
from longwire.client.sending.outbox_file import OutboxFile
from longwire.client.sending.publisher import Publisher
from longwire.client.state import ConnectionState, ConnectionStatus
from longwire.clock import clock, wall_time
from longwire.engineio.state import Transport
from longwire.errors import NotConnected
from longwire.jobs import Job
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.schema import Contract
from longwire.types import Position, override
from longwire.values import Values
from longwire.wire import (
    CLIENT_HEALTH,
    PING,
    PONG,
    ROOM_ERROR,
    ROOM_RESET,
    ClientHealth,
    encode,
)


class WebSocketClient(Subscribable):
    """A client of a Longwire server, or of any Socket.IO server without positions.

    `async with` connects if there is a token; otherwise call `connect` in the block. When several
    tasks use one client in `async with`, the last one to leave its block disconnects it.

    ```python
    async with WebSocketClient("http://localhost:8000", token=token) as client:
        async for event in client.events(JobProgress, room="job:42"):
            print(event.progress)
    ```

    All methods may be called in every state; the guide to the Python client has the table.
    Handlers and rooms can be set up before `connect`, and survive reconnects and `disconnect`.
    Events that are sent without a connection wait for the next one, in a bounded outbox. In the
    state `error`, sending fails at once, until `retry` or `connect`.

    Delivery: events of a room arrive in order, without loss or duplicates, also over reconnects.
    Positions in the room's log decide this; payloads are never compared. If the log was replaced,
    a `RoomReset` arrives, followed by a replay of the new log.

    Args:
        url: URL of the server, `http(s)://` or `ws(s)://`, including the prefix that it is
            mounted under.
        token: A token, or a function (sync or async) that returns one. The function is called
            before every connection, before the token expires and after the server rejects it.
        contract: Events to decode into their types; other events arrive as plain values.
        **options: See `ClientKeywords`.

    Attributes:
        options: The options of the client.
        contract: The contract of the client.
        status: The connection state with its dates and counts; read-only.

    Raises:
        ConfigurationError: An option has an invalid value.
    """

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource = None,
        contract: Contract = CATALOG,
        **options: Unpack[ClientKeywords],
    ) -> None:
        self.options = ClientOptions(url=url, **options)
        self.contract = contract
        self.status = ConnectionStatus(wall_time)
        self._tokens = Tokens(token)
        delay = Backoff(self.options, random.random).delay
        self._rooms = Rooms(self._announce_reset, self._announce_live, self._end_streams, delay)
        self._open_jobs = OpenJobs()
        self._outbox = self._create_outbox()
        self._health = Health(self._send_ping)
        if self.options.report_health:
            reporter = HealthReporter(lambda: self.health, self._send_health)
            self._health.subscribe(lambda _: reporter.receive_round_trip(clock.monotonic()))
        self._subscriptions = Subscriptions(self.options.queue_size, self._rooms.positions.release)
        super().__init__(Listeners(contract, self._subscriptions, self._rooms))
        system = {
            PONG: self._health.receive_pong,
            ROOM_RESET: self._rooms.receive_reset,
            ROOM_ERROR: self._rooms.receive_error,
        }
        self._inbox = Inbox(contract, self._subscriptions, self._rooms, system)
        parts = ClientParts(
            self.options, contract, self._tokens, self._rooms, self._outbox, self._inbox
        )
        self._supervisor = Supervisor(
            parts, self.status, self._health, lambda: self._open_jobs.patience, self._end_streams
        )
        self._publisher = Publisher(contract, self._outbox, self._supervisor.check_loop)
        self._values = Values(contract, self._read_value, self.publish)
        self._jobs = JobFeeds(self._listeners, self.join_room, self.call)
        self._waiting_to_connect = self._blocks = 0

    @classmethod
    def from_options(
        cls, options: ClientOptions, *, token: TokenSource = None, contract: Contract = CATALOG
    ) -> Self:
        """Create a client from options that exist already."""
        return cls(token=token, contract=contract, **msgspec.structs.asdict(options))

    @override
    def __repr__(self) -> str:
        user = f" as {self.user_id}" if self.is_connected and self.user_id else ""
        return f"<WebSocketClient {self.options.server} {self.state}{user}>"

    # Connection

    @property
    def state(self) -> ConnectionState:
        """The connection state."""
        return self.status.state

    @property
    def error(self) -> Exception | None:
        """The error that ended the last attempt or connection; None once connected."""
        return self.status.error

    @property
    def is_connected(self) -> bool:
        """Whether the client is connected, authenticated, and has resumed its rooms."""
        return self.state is ConnectionState.CONNECTED

    @property
    def transport(self) -> Transport | None:
        """The transport of the present connection; None without one."""
        session = self._supervisor.session
        return session.transport if session is not None else None

    @property
    def user_id(self) -> str | None:
        """The user that the server authenticated; None before that, and on a stock server."""
        return self._supervisor.user.user_id if self._supervisor.user is not None else None

    async def connect(self, token: TokenSource = None) -> None:
        """Connect, sign in and resume the rooms; return when that is done.

        Concurrent calls share one connection. If the client is connected already, a new token
        replaces the old one without reconnecting. If the server is unreachable, the client retries
        within `timeout`. A client that is reconnecting retries at once, and keeps retrying after
        this method has raised.

        Cancelling the only call of a first connection disconnects the client.

        Args:
            token: Replaces the present token or token function.

        Raises:
            ConnectionRefused: The server rejected the token.
            NotConnected: There is no connection within `timeout`, or `disconnect` was called.
            AuthenticationError: The server rejected the new token; the old one remains in use.
            CallTimeout: The server did not answer to the new token.
        """
        await self._supervisor.wait_stopped()
        if self.is_connected:
            if token is not None:
                await self._supervisor.replace_token(token)
            return
        if token is not None:
            self._supervisor.use_token(token)
        outcome = self._supervisor.start()
        limit = None  # the supervisor limits the first connection
        if self.state is ConnectionState.RECONNECTING:
            self._supervisor.retry()
            limit = self.options.timeout
        self._waiting_to_connect += 1
        try:
            async with asyncio.timeout(limit):
                await asyncio.shield(outcome)
        except TimeoutError:
            raise NotConnected(f"no connection within {limit} s; the client keeps trying") from None
        except asyncio.CancelledError:
            if self._waiting_to_connect == 1 and self.state is ConnectionState.CONNECTING:
                await self.disconnect()
            raise
        finally:
            self._waiting_to_connect -= 1

    async def disconnect(self) -> None:
        """Close the connection.

        Events that were sent before are still written. Calls, publications and queued events that
        wait for an answer or a connection fail with `NotConnected`. Iterators end, and running
        handlers are cancelled. Subscriptions with the events that wait for them, rooms and
        positions remain for the next `connect`.
        """
        await self._supervisor.stop()
        await self._subscriptions.cancel()

    def retry(self) -> None:
        """Try to connect now, instead of after the backoff, or again after giving up."""
        self._supervisor.retry()

    def on_state_change(self, listener: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call `listener` with every new state.

        Returns:
            A function that unsubscribes.
        """
        return self.status.subscribe(listener)

    async def __aenter__(self) -> Self:
        if self._tokens.source is not None:
            await self.connect()
        self._blocks += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._blocks -= 1
        if not self._blocks:
            await self.disconnect()

    # Rooms

    def join_room(self, room: str, position: Start = None) -> asyncio.Future[JoinResult]:
        """Join a room; await the result for the server's answer.

        The join takes effect whether it is awaited or not. Joins are counted: the client leaves
        the room after as many calls of `leave_room`. Without a connection, or while the room's log
        is unavailable, the result is available at once, with the status `joining`, and the client
        joins as soon as it can. A rejection takes the join back, and so does cancelling the result.

        Args:
            room: The room's name.
            position: Where the first join begins: None replays the retained log, `"now"` skips
                it, a `Position` continues after it.

        Raises:
            LocalProtocolError: `room` cannot be the name of a room.
            RoomDenied: (awaited) No room rule admits the user.
            InvalidRoom: (awaited) The server has no such room.
            CallRefused: (awaited) The server rejected the join for another reason.
        """
        self._supervisor.check_loop()
        return self._rooms.join(room, position)

    def leave_room(self, room: str) -> None:
        """Take one join back; the last call leaves the room, now or with the next connection."""
        self._rooms.leave(room)

    def room(self, name: str, position: Start = None) -> Room:
        """Join a room for a block: `async with client.room("job:42") as room: …`."""
        return Room(self._listeners, name, position, self.join_room, self._values)

    def room_status(self, room: str) -> RoomStatus | None:
        """Return the status of a room; None if it is not joined."""
        return self._rooms.status(room)

    def position(self, room: str) -> Position | None:
        """Return the position up to which a room's events were delivered; None while unknown."""
        return self._rooms.position(room)

    def on_entry(self, listener: Callable[[LogEntry], object]) -> Callable[[], None]:
        """Call `listener` for every entry of the joined rooms' logs, before it is decoded.

        For tools that display or copy logs. The listener is called once per entry, in order and
        before any handler. It must not block.

        Returns:
            A function that unsubscribes.
        """
        return self._inbox.entry_listeners.add(listener)

    # Sending

    def emit(self, event: object, *args: object) -> asyncio.Future[None]:
        """Send an event, at most once and in order.

        The event is sent when this returns; without a connection it waits for the next one. Await
        the result to wait while the write buffer is full, or to receive the error if the event was
        never sent. Events in flight are lost when the connection breaks: use `call` to know
        whether the server received an event, and `publish` to append one exactly once.

        Args:
            event: An instance of an event that clients may send, or a name.
            *args: The values of a named event; bytes are sent as binary attachments.

        Raises:
            OutboxFull: Too many events wait for a connection.
            InvalidEvent: A value does not match the event's type.
            LocalProtocolError: The name is reserved, or a value cannot be encoded.
            NotConnected: (awaited) The client disconnected or gave up, or `outbox_age` has passed.
        """
        sent = self._publisher.emit(event, args)
        session = self._supervisor.session
        drained = session.drained() if session is not None else None
        # All callers share this future: cancelling one of them must not cancel it.
        return sent if drained is None else asyncio.shield(drained)

    async def call(self, event: object, *args: object, timeout: float | None = None) -> Any:
        """Send an event and return its acknowledgement.

        Args:
            event: As for `emit`.
            *args: As for `emit`.
            timeout: Seconds to wait, including the wait for a connection. Default: the client's
                `timeout`.

        Returns:
            The acknowledgement's value, in the type that the event declares; None for no value, a
            tuple for several.

        Raises:
            CallTimeout: No acknowledgement arrived; whether the server acted is unknown.
            CallRefused: The acknowledgement reports an error that its declared type cannot hold.
            NotConnected: The connection ended before the acknowledgement, or the client gave up.
            OutboxFull: Too many events wait for a connection.
        """
        limit = self.options.timeout if timeout is None else timeout
        return await self._publisher.call(event, args, limit)

    def publish(
        self,
        event: object,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | None = None,
        volatile: bool = False,
    ) -> asyncio.Future[Position]:
        """Append an event to the log of its room; await the result for its position.

        Publications of one client are sent in the order of the calls, without waiting for each
        other's results. If the connection breaks before the answer, the publication is sent again
        with the same id, so the event is appended exactly once.

        Args:
            event: An instance of an event of the contract.
            room: The room, for events that do not determine it.
            id: Idempotency id. Within five minutes, an id is appended to a room only once; a
                repetition returns the position of the first.
            expect: Append only if the newest entry of the same event and key is at this position,
                or, if None, does not exist.
            attempt: Append only if this is the current attempt of the job, and has not ended. With
                `JobCreated`: begin this attempt for this worker.
            volatile: Skip the log: deliver at most once, and only over a present connection.

        Raises:
            InvalidEvent: A value does not match the event's type; nothing was sent.
            ConfigurationError: `expect` or `attempt` is used with `volatile`.
            OutboxFull: Too many publications wait to be confirmed.
            NotConnected: (awaited) The client disconnected or gave up, `outbox_age` has passed, or
                the event is volatile and there is no connection.
            CallTimeout: (awaited) The server did not answer for almost five minutes.
            Conflict: (awaited) The newest entry is not at the expected position.
            StaleAttempt: (awaited) The job has another attempt, or another worker runs this one.
            JobEnded: (awaited) The attempt has ended.
            LongwireError: (awaited) The server rejected the event; the subclass states the reason.
        """
        self._open_jobs.observe(event)
        return self._publisher.publish(event, room, id, expect, attempt, volatile)

    # Jobs

    def job(self, job_id: str) -> JobTracker:
        """Track a job: `async with client.job("42") as job: async for state in job: …`.

        `await client.job("42").result()`, `.cancel()` and `async for` also work without a block.
        """
        return JobTracker(self._jobs, job_id)

    def start_job(
        self,
        *,
        owner: str | UUID | None = None,
        title: str | None = None,
        job_id: str | UUID | None = None,
        attempt: int | None = None,
        lease: float = DEFAULT_LEASE,
    ) -> Job:
        """Run a job in this process: `async with client.start_job(title="Report") as job: …`.

        The token needs the `service` scope. The job continues while there is no connection.

        Args:
            owner: The user that may see the job.
            title: A title for people.
            job_id: The job's id. Default: a random one.
            attempt: The number of this run; it must follow the last one. Default: the next.
            lease: Seconds without any event after which the server declares the worker lost.
        """
        return Job(self, job_id, owner, title, attempt=attempt, lease=lease)

    def start_attempt(self, created: JobCreated, *, id: str | None = None) -> asyncio.Future[int]:
        """Begin the next attempt of a job for this worker; await the result for its number.

        Together with `publish` and `on_cancel`, this is what a `Job` needs of a client (`JobHost`).
        """
        return self._publisher.start_attempt(created, id)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], object]) -> Callable[[], None]:
        """Call `callback` for every request to cancel a job from now on.

        Returns:
            A function that unsubscribes.
        """
        room = f"job:{job_id}"
        cleanup = ExitStack()
        cleanup.callback(self.on(JobCancel, callback, room=room))
        cleanup.callback(self._rooms.stay_in(room, "now"))
        cleanup.callback(self._open_jobs.open(job_id))
        return cleanup.close

    # Health

    @property
    def health(self) -> HealthSnapshot:
        """The health of the connection at this moment."""
        session = self._supervisor.session
        return msgspec.structs.replace(
            self._health.snapshot(),
            transport=None if session is None else session.transport,
            rooms_resumed=self._rooms.positions.resumed_count,
            rooms_reset=self._rooms.positions.reset_count,
            events_received=self._inbox.received,
            events_invalid=self._inbox.invalid,
            events_dropped=self._inbox.dropped,
            handler_failures=self._subscriptions.failures,
            given_up=self._outbox.given_up,
            unsent=len(self._outbox),
            subscriptions=len(self._subscriptions),
            rooms=len(self._rooms),
            tracked_jobs=len(self._jobs),
            other_contract=self._supervisor.other_contract,
        )

    def on_health(self, listener: Callable[[HealthSnapshot], object]) -> Callable[[], None]:
        """Call `listener` after every measurement of the round trip.

        Returns:
            A function that unsubscribes.
        """
        check_plain(listener)
        return self._health.subscribe(lambda _: listener(self.health))

    async def ping(self) -> float:
        """Measure the round trip now, and return it in seconds.

        Raises:
            NotConnected: There is no connection, it ended, or the server does not answer pings.
        """
        if not self.is_connected or not self._supervisor.answers_pings:
            raise NotConnected("not connected to a server that answers pings")
        self._supervisor.check_loop()
        return await self._health.ping()

    # Internals

    def _create_outbox(self) -> Outbox:
        options, path = self.options, self.options.outbox_file
        limits = OutboxLimits(options.outbox_entries, options.outbox_bytes, options.outbox_age)
        file = None if path is None else OutboxFile(os.fspath(path))
        return Outbox(limits, LinkWatch(self._open_jobs), file)

    async def _read_value(
        self, room: str, event: str, key: tuple[object, ...]
    ) -> tuple[Position, bytes] | None:
        return await self._publisher.read_value(room, event, key, self.options.timeout)

    def _send_ping(self) -> bool:
        session = self._supervisor.session
        if session is None or not self._supervisor.answers_pings:
            return False
        session.send(PING)
        return True

    def _send_health(self, report: ClientHealth) -> None:
        session = self._supervisor.session
        if session is not None and self._supervisor.answers_pings:
            session.send(CLIENT_HEALTH, (encode(report),))

    def _announce_reset(self, reset: RoomReset) -> None:
        self._inbox.announce(ROOM_RESET, reset.room, (reset,))

    def _announce_live(self, room: str) -> None:
        self._inbox.announce(ROOM_LIVE, room, (room,))

    def _end_streams(self, error: Exception | None, room: str | None = None) -> None:
        self._listeners.end_streams(error, room)
        self._jobs.end(error or NotConnected("the client disconnected"), room)
