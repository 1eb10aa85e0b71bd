"""The synchronous client."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self, Unpack
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from longwire.catalog import CATALOG, JobCancel, JobCreated
from longwire.client import (
    ClientKeywords,
    ClientOptions,
    ConnectionState,
    ConnectionStatus,
    HealthSnapshot,
    JoinResult,
    LogEntry,
    RoomStatus,
    TokenSource,
)
from longwire.client import WebSocketClient as AsyncClient
from longwire.client.rooms.membership import Start
from longwire.engineio.state import Transport
from longwire.errors import NotConnected
from longwire.jobs.lease import DEFAULT_LEASE
from longwire.schema import Contract
from longwire.sync.job import Job
from longwire.sync.loop_thread import LoopThread
from longwire.sync.room import Room
from longwire.sync.stream import JobTracker
from longwire.sync.subscribing import Subscribable
from longwire.types import Position, override


class WebSocketClient(Subscribable):
    """The client of `longwire.client` for scripts and threads, with the same methods.

    ```python
    with WebSocketClient("http://localhost:8000", token=token) as client:
        for event in client.events(JobProgress, room="job:42"):
            print(event.progress)
    ```

    Coroutines of the asyncio client are blocking methods here. Methods whose result may be ignored
    there (`join_room`, `emit`, `publish`) return a `concurrent.futures.Future`; call its
    `result()` to wait.

    The connection runs on a thread of its own. Handlers and listeners run on a second thread, one
    at a time and in order: they may block, and may call the client. All threads may share a
    client. Ctrl-C interrupts a blocking call.

    `with` connects if there is a token, and closes at the end. `close` ends both threads; every
    further call raises `NotConnected`.

    Args:
        url: URL of the server, `http(s)://` or `ws(s)://`, including the prefix that it is
            mounted under.
        token: A token, or a function that returns one, which may block.
        contract: Events to decode into their types; other events arrive as plain values.
        **options: See `longwire.client.ClientKeywords`.

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
        thread = LoopThread()
        self._has_token = token is not None
        try:
            source = thread.token_source(token)
            self._client = thread.call(AsyncClient, url, token=source, contract=contract, **options)
        except BaseException:
            thread.close()
            raise
        super().__init__(thread, self._client)

    @classmethod
    def from_options(
        cls, options: ClientOptions, *, token: TokenSource = None, contract: Contract = CATALOG
    ) -> Self:
        """Create a client from options that exist already."""
        return cls(token=token, contract=contract, **msgspec.structs.asdict(options))

    @override
    def __repr__(self) -> str:
        return f"<sync.WebSocketClient {self.options.server} {self.state}>"

    # Connection

    @property
    def options(self) -> ClientOptions:
        """The options of the client."""
        return self._client.options

    @property
    def contract(self) -> Contract:
        """The contract of the client."""
        return self._client.contract

    @property
    def status(self) -> ConnectionStatus:
        """The connection state with its dates and counts; read-only."""
        return self._client.status

    @property
    def state(self) -> ConnectionState:
        """The connection state."""
        return self._client.state

    @property
    def error(self) -> Exception | None:
        """The error that ended the last attempt or connection; None once connected."""
        return self._client.error

    @property
    def is_connected(self) -> bool:
        """Whether the client is connected, authenticated, and has resumed its rooms."""
        return self._client.is_connected

    @property
    def transport(self) -> Transport | None:
        """The transport of the present connection; None without one."""
        return self._thread.call(lambda: self._client.transport)

    @property
    def user_id(self) -> str | None:
        """The user that the server authenticated; None before that, and on a stock server."""
        return self._thread.call(lambda: self._client.user_id)

    def connect(self, token: TokenSource = None) -> None:
        """Connect, sign in and resume the rooms; return when that is done."""
        self._thread.wait(self._client.connect, self._thread.token_source(token))

    def disconnect(self) -> None:
        """Close the connection; subscriptions, rooms and positions remain."""
        self._thread.wait(self._client.disconnect)

    def close(self) -> None:
        """Disconnect, and end both threads; a handler that is running is waited for.

        Further calls have no effect. Any thread may call it, and so may a handler.
        """
        try:
            if not self._thread.is_closed:
                self.disconnect()
        except NotConnected:
            pass  # another thread has closed it meanwhile
        finally:
            self._thread.close()

    def retry(self) -> None:
        """Try to connect now, instead of after the backoff, or again after giving up."""
        self._thread.call(self._client.retry)

    def on_state_change(self, listener: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call `listener` with every new state; return a function that unsubscribes."""
        return self._subscribe(self._client.on_state_change, self._thread.listener(listener))

    def __enter__(self) -> Self:
        if self._has_token:
            try:
                self.connect()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Rooms

    def join_room(self, room: str, position: Start = None) -> Future[JoinResult]:
        """Join a room; the future's result is the server's answer."""
        return self._thread.future(self._client.join_room, room, position)

    def leave_room(self, room: str) -> None:
        """Take one join back; the last call leaves the room."""
        self._thread.call(self._client.leave_room, room)

    def room(self, name: str, position: Start = None) -> Room:
        """Join a room for a block: `with client.room("job:42") as room: …`."""
        room = self._client.room(name, position)
        return Room(self._thread, room, self.contract, self.publish)

    def room_status(self, room: str) -> RoomStatus | None:
        """Return the status of a room; None if it is not joined."""
        return self._thread.call(self._client.room_status, room)

    def position(self, room: str) -> Position | None:
        """Return the position up to which a room's events were delivered; None while unknown."""
        return self._thread.call(self._client.position, room)

    def on_entry(self, listener: Callable[[LogEntry], object]) -> Callable[[], None]:
        """Call `listener` for every entry of the joined rooms' logs, before it is decoded.

        It is called on the connection's own thread, and must not block.

        Returns:
            A function that unsubscribes.
        """
        return self._subscribe(self._client.on_entry, listener)

    # Sending

    def emit(self, event: object, *args: object) -> Future[None]:
        """Send an event, at most once and in order; `result()` waits while the buffer is full."""
        return self._thread.future(self._client.emit, event, *args)

    def call(self, event: object, *args: object, timeout: float | None = None) -> Any:
        """Send an event and return its acknowledgement."""
        return self._thread.wait(self._client.call, event, *args, timeout=timeout)

    def publish(
        self,
        event: object,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
        attempt: int | None = None,
        volatile: bool = False,
    ) -> Future[Position]:
        """Append an event to the log of its room; the future's result is its position."""
        return self._thread.future(
            self._client.publish,
            event,
            room=room,
            id=id,
            expect=expect,
            attempt=attempt,
            volatile=volatile,
        )

    # Jobs

    def job(self, job_id: str) -> JobTracker:
        """Track a job: `with client.job("42") as job: for state in job: …`."""
        return JobTracker(self._thread, self._client.job(job_id))

    def start_job(
        self,
        *,
        owner: str | UUID | None = None,
        title: str | None = None,
        job_id: str | UUID | None = None,
        attempt: int | None = None,
        lease: float = DEFAULT_LEASE,
    ) -> Job:
        """Run a job in this thread: `with client.start_job(title="Report") as job: …`."""
        job = self._client.start_job(
            owner=owner, title=title, job_id=job_id, attempt=attempt, lease=lease
        )
        return Job(self._thread, job)

    def start_attempt(self, created: JobCreated, *, id: str | None = None) -> Future[int]:
        """Begin the next attempt of a job for this worker; the future's result is its number."""
        return self._thread.future(self._client.start_attempt, created, id=id)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], object]) -> Callable[[], None]:
        """Call `callback` for every request to cancel a job from now on.

        Returns:
            A function that unsubscribes.
        """
        return self._subscribe(self._client.on_cancel, job_id, self._thread.listener(callback))

    # Health

    @property
    def health(self) -> HealthSnapshot:
        """The health of the connection at this moment."""
        return self._thread.call(lambda: self._client.health)

    def on_health(self, listener: Callable[[HealthSnapshot], object]) -> Callable[[], None]:
        """Call `listener` after every measurement; return a function that unsubscribes."""
        return self._subscribe(self._client.on_health, self._thread.listener(listener))

    def ping(self) -> float:
        """Measure the round trip now, and return it in seconds."""
        return self._thread.wait(self._client.ping)
