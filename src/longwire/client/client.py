"""The client: everything that a service, script or test needs of a Longwire server."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, Unpack

import msgspec

from longwire.catalog import CATALOG, JobCancel
from longwire.client.callbacks import check_plain
from longwire.client.connection.attempt import ClientParts
from longwire.client.connection.reconnection import Backoff
from longwire.client.connection.supervisor import Supervisor
from longwire.client.connection.tokens import Tokens, TokenSource
from longwire.client.handlers.registry import Subscriptions
from longwire.client.health import Health, HealthSnapshot
from longwire.client.job_tracker import JobFeeds, JobTracker
from longwire.client.options import ClientKeywords, ClientOptions
from longwire.client.receiving.inbox import Inbox
from longwire.client.receiving.room import Room
from longwire.client.receiving.subscribing import Listeners, Subscribable
from longwire.client.rooms.membership import ROOM_LIVE
from longwire.client.rooms.rooms import Rooms
from longwire.client.sending.outbox import Outbox, OutboxLimits
from longwire.client.sending.outbox_file import OutboxFile
from longwire.client.sending.publisher import Publisher
from longwire.client.state import ConnectionState, ConnectionStatus
from longwire.clock import wall_time
from longwire.errors import NotConnected
from longwire.jobs import Job
from longwire.types import override
from longwire.wire import PING, PONG, ROOM_ERROR, ROOM_RESET

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.receiving.inbox import LogEntry
    from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus, Start
    from longwire.engineio import Transport
    from longwire.schema import Contract
    from longwire.types import Position


class WebSocketClient(Subscribable):
    """A client of a Longwire server, or of any Socket.IO server without positions.

    `async with` connects if there is a token, else call `connect`; its last block disconnects.

    ```python
    async with WebSocketClient("http://localhost:8000", token=token) as client:
        async for event in client.events(JobProgress, room="job:42"):
            print(event.progress)
    ```

    Every call has a meaning in every state (docs/python-client.md has the table). Handlers and
    rooms may be set before `connect`, and survive reconnects and `disconnect`. What is emitted or
    published without a connection waits, within bounds, for the next one; what is given up raises
    in its caller. In the state `error` nothing waits: it fails at once, until `retry` or `connect`.

    Delivery: in order per room, without loss or duplicate over reconnects, decided by positions
    and never by comparing payloads. A room whose log began anew is replayed after a `RoomReset`.

    Args:
        url: URL of the server, `http(s)://` or `ws(s)://`, including the prefix that it is
            mounted under.
        token: A token, or a function (sync or async) that returns one. The function is called
            before every connection, before the token expires and after the server rejects it.
        contract: Events to decode into their types; other events arrive as plain values.
        **options: See `ClientKeywords`.

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
        self._outbox = self._create_outbox()
        self._health = Health(self._send_ping)
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
        self._supervisor = Supervisor(parts, self.status, self._health, self._end_streams)
        self._publisher = Publisher(contract, self._outbox, self._supervisor.check_loop)
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
        whom = f" as {self.user_id}" if self.is_connected and self.user_id else ""
        return f"<WebSocketClient {self.options.server} {self.state}{whom}>"

    # Connection

    @property
    def state(self) -> ConnectionState:
        """Where the client stands."""
        return self.status.state

    @property
    def error(self) -> Exception | None:
        """Why the last attempt or connection failed; None once connected."""
        return self.status.error

    @property
    def is_connected(self) -> bool:
        """Whether it is authenticated and its rooms are resumed."""
        return self.state is ConnectionState.CONNECTED

    @property
    def transport(self) -> Transport | None:
        """What carries the present connection; None without one."""
        session = self._supervisor.session
        return session.transport if session is not None else None

    @property
    def user_id(self) -> str | None:
        """Whom the server takes this client for; None before that and on a stock server."""
        return self._supervisor.user.user_id if self._supervisor.user is not None else None

    async def connect(self, token: TokenSource = None) -> None:
        """Connect, sign in and resume rooms; return when that is done.

        Callers at the same time share one connection. When connected, another token replaces the
        old one in place. While the server cannot be reached it is tried again within `timeout`;
        a client that was connected before tries at once, and goes on after that.

        Args:
            token: replaces the token or provider given before.

        Raises:
            ConnectionRefused: the server refused the token.
            NotConnected: there is no connection within `timeout`, or `disconnect` was called.
            AuthenticationError: connected, and the server refused the new token; the old one stays.
            CallTimeout: connected, and the server does not answer to the new token.
        """
        await self._supervisor.wait_stopped()
        if self.is_connected:
            if token is not None:
                await self._supervisor.replace_token(token)
            return
        if token is not None:
            self._supervisor.use_token(token)
        outcome = self._supervisor.start()
        limit = None  # the first connection has its own
        if self.state is ConnectionState.RECONNECTING:
            self._supervisor.retry()
            limit = self.options.timeout
        self._waiting_to_connect += 1
        try:
            async with asyncio.timeout(limit):
                await asyncio.shield(outcome)
        except TimeoutError:
            raise NotConnected(
                f"no connection within {limit} s; the client goes on trying"
            ) from None
        except asyncio.CancelledError:
            if self._waiting_to_connect == 1 and self.state is ConnectionState.CONNECTING:
                await self.disconnect()
            raise
        finally:
            self._waiting_to_connect -= 1

    async def disconnect(self) -> None:
        """Say goodbye and end the connection.

        What was sent before still goes out. Calls, publications and queued events that wait for
        an answer or a connection fail with `NotConnected`; iterators end; running handlers are
        cancelled. Handlers, what waits for them, rooms and positions stay for the next `connect`.
        """
        await self._supervisor.stop()
        await self._subscriptions.cancel()

    def retry(self) -> None:
        """Try to connect now, without waiting for the backoff or after having given up."""
        self._supervisor.retry()

    def on_state_change(self, listener: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call `listener` with every new state, at once; return the undo."""
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

        Joins are counted: as many `leave_room` leave it. The first one says where to begin.
        Without a connection, or while the room's log cannot be read, the join is remembered and
        the result is there at once, with the status `joining`. The join takes effect whether it
        is awaited or not; a refusal takes it back, and so does who cancels the result.

        Args:
            room: its name.
            position: None replays what the log retains, `"now"` skips it, a position resumes.

        Raises:
            LocalProtocolError: it is no name.
            RoomDenied: (awaited) no rule lets this user in.
            InvalidRoom: (awaited) the server knows no such room.
            CallRefused: (awaited) any other refusal.
        """
        self._supervisor.check_loop()
        return self._rooms.join(room, position)

    def leave_room(self, room: str) -> None:
        """Take one join back; the last one leaves the room, now or with the next connection."""
        self._rooms.leave(room)

    def room(self, name: str, position: Start = None) -> Room:
        """Be in a room for a block: `async with client.room("job:42") as room: …`."""
        return Room(self._listeners, name, position, self.join_room)

    def room_status(self, room: str) -> RoomStatus | None:
        """Where a room stands; None for one that nobody joined."""
        return self._rooms.status(room)

    def position(self, room: str) -> Position | None:
        """Up to where a room's events were handed out; None while unknown."""
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
        """Send an event; at most once, in order.

        It is on its way when this returns; without a connection it waits for the next one. Await
        the result to be slowed down to what the transport takes, or to learn that the event was
        given up. A connection that breaks takes along what was not received yet: `call` tells
        whether the server has it, and what `publish` sends is appended exactly once.

        Args:
            event: an instance of an event that clients may send, or a name followed by values.
            *args: what goes with a name; bytes travel as binary attachments.

        Raises:
            OutboxFull: too much waits for a connection.
            InvalidEvent: a value does not fit the event.
            LocalProtocolError: the name is reserved, or a value can never be sent.
            NotConnected: (awaited) the client disconnected or gave up first, or `outbox_age` has
                passed.
        """
        sent = self._publisher.emit(event, args)
        session = self._supervisor.session
        drained = session.drained() if session is not None else None
        # Who gives up waiting cancels nobody else's wait.
        return sent if drained is None else asyncio.shield(drained)

    async def call(self, event: object, *args: object, timeout: float | None = None) -> Any:
        """Send an event and return its acknowledgement.

        Args:
            event: as for `emit`.
            *args: as for `emit`.
            timeout: seconds to wait, the wait for a connection included; the client's if None.

        Returns:
            The acknowledgement's value, of the type that the event declares; a tuple of several.

        Raises:
            CallTimeout: no answer came; whether the server acted is unknown.
            CallRefused: a refusal, where the event declares a type that has no place for one.
            NotConnected: the connection ended before the answer, or the client gave up.
            OutboxFull: too much waits for a connection.
        """
        limit = self.options.timeout if timeout is None else timeout
        return await self._publisher.call(event, args, limit)

    def publish(
        self,
        event: object,
        *,
        room: str | None = None,
        id: str | None = None,
        volatile: bool = False,
    ) -> asyncio.Future[Position]:
        """Append an event to the log of its room; await the result for its position.

        Publications of one client are sent in the order of the calls, without waiting for one
        another. One whose answer is lost with the connection is sent again over the next, with
        the same id, so it is appended once.

        Args:
            event: an instance of an event of the contract.
            room: where the event does not tell its room.
            id: makes it the same publication as an earlier one with that id, for five minutes.
            volatile: skip the log: at most once, only with a connection.

        Raises:
            InvalidEvent: a value does not fit; nothing was sent.
            OutboxFull: too much waits to be confirmed.
            NotConnected: (awaited) the client disconnected or gave up, or `outbox_age` has passed,
                or it is volatile.
            CallTimeout: (awaited) it was sent, and no answer came for almost five minutes.
            LongwireError: (awaited) the server's refusal, by its kind.
        """
        return self._publisher.publish(event, room, id, volatile)

    # Jobs

    def job(self, job_id: str) -> JobTracker:
        """Follow a job: `async with client.job("42") as job: async for state in job: …`.

        `await client.job("42").result()`, `.cancel()` and `async for` need no block.
        """
        return JobTracker(self._jobs, job_id)

    def start_job(
        self,
        *,
        owner: str | None = None,
        title: str | None = None,
        job_id: str | None = None,
    ) -> Job:
        """Run a job in this process: `async with client.start_job(title="Report") as job: …`.

        As `Server.job`, with a service's token. The job goes on while the connection is away.
        """
        return Job(self, job_id, owner, title)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], object]) -> Callable[[], None]:
        """Call back for every request to cancel a job that comes after this; return the undo.

        With `publish`, this lets a `Job` run on a client.
        """
        room = f"job:{job_id}"
        undo = ExitStack()
        undo.callback(self.on(JobCancel, callback, room=room))
        undo.callback(self._rooms.stay_in(room, "now"))
        return undo.close

    # Health

    @property
    def health(self) -> HealthSnapshot:
        """How well the connection does."""
        return msgspec.structs.replace(
            self._health.snapshot(),
            rooms_resumed=self._rooms.positions.resumed_count,
            rooms_reset=self._rooms.positions.reset_count,
            events_received=self._inbox.received,
            events_invalid=self._inbox.invalid,
            events_dropped=self._inbox.dropped,
            handler_failures=self._subscriptions.failures,
            given_up=self._outbox.given_up,
            other_contract=self._supervisor.other_contract,
        )

    def on_health(self, listener: Callable[[HealthSnapshot], object]) -> Callable[[], None]:
        """Call `listener` after every measurement; return the undo."""
        check_plain(listener)
        return self._health.subscribe(lambda _: listener(self.health))

    async def ping(self) -> float:
        """Measure the round trip now, in seconds.

        Raises:
            NotConnected: there is no connection, or it ended, or the server does not answer pings.
        """
        if not self.is_connected or not self._supervisor.answers_pings:
            raise NotConnected("no server that answers pings is connected")
        self._supervisor.check_loop()
        return await self._health.ping()

    # Inside

    def _create_outbox(self) -> Outbox:
        options, path = self.options, self.options.outbox_file
        limits = OutboxLimits(options.outbox_entries, options.outbox_bytes, options.outbox_age)
        return Outbox(limits, None if path is None else OutboxFile(os.fspath(path)))

    def _send_ping(self) -> bool:
        session = self._supervisor.session
        if session is None or not self._supervisor.answers_pings:
            return False
        session.send(PING)
        return True

    def _announce_reset(self, reset: RoomReset) -> None:
        self._inbox.announce(ROOM_RESET, reset.room, (reset,))

    def _announce_live(self, room: str) -> None:
        self._inbox.announce(ROOM_LIVE, room, (room,))

    def _end_streams(self, error: Exception | None, room: str | None = None) -> None:
        self._listeners.end_streams(error, room)
        self._jobs.end(error or NotConnected("the client disconnected"), room)
