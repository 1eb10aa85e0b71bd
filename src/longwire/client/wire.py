"""One connection to the server, from open to close: a WebSocket driving a `Connection`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from longwire.client.payloads import Refusal, read
from longwire.connection import (
    AckReceived,
    Connected,
    Connection,
    Disconnected,
    EventReceived,
    Refused,
)
from longwire.engineio import ClientSession, Closed
from longwire.errors import ConnectionRefused, NotConnected
from longwire.reasons import (
    CLIENT_DISCONNECT,
    SERVER_DISCONNECT,
    TRANSPORT_CLOSED,
    TRANSPORT_ERROR,
    DisconnectReason,
)

if TYPE_CHECKING:
    from longwire.client.options import ClientOptions

logger = logging.getLogger("longwire.client")

# How long a goodbye may take: the close frame's answer, over a link that may be dead.
CLOSE_TIMEOUT = 1.0

# From a future to the body of the task that awaits it, through a gather or a timeout.
TURNS = 5

Answered = Callable[[AckReceived | None], None]


class Receiver(Protocol):
    """What a wire tells its owner, on the event loop, in order."""

    def receive_event(self, event: EventReceived) -> None:
        """The server sent an event."""
        ...

    def receive_closed(self, reason: DisconnectReason, error: Exception) -> None:
        """The connection is over; nothing follows, and every acknowledgement was answered."""
        ...


class Wire:
    """Feeds a `Connection` from a WebSocket and the WebSocket from it.

    Attributes:
        is_open: whether the namespace is connected and not left.
        error: what the end is to be blamed on, if anything but its reason.
        closed: done once it is over.
    """

    __slots__ = (
        "_acks",
        "_connected",
        "_drained",
        "_high_water",
        "_loop",
        "_must_yield",
        "_outgoing",
        "_receiver",
        "_tasks",
        "_timer",
        "_wake",
        "_websocket",
        "closed",
        "connection",
        "error",
        "is_open",
    )

    def __init__(
        self,
        websocket: ClientConnection,
        connection: Connection,
        receiver: Receiver,
        high_water: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._websocket = websocket
        self.connection = connection
        self._receiver = receiver
        self._high_water = high_water
        self._acks: dict[int, Answered] = {}
        self._outgoing: deque[str | bytes] = deque()
        self._wake = asyncio.Event()
        self._drained: asyncio.Future[None] | None = None
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._connected.add_done_callback(_observe)
        self._timer: asyncio.TimerHandle | None = None
        self._must_yield = False
        self.error: Exception | None = None
        self.closed: asyncio.Future[DisconnectReason] = self._loop.create_future()
        self.is_open = False
        self._tasks = [
            self._loop.create_task(self._read(), name="longwire read"),
            self._loop.create_task(self._write(), name="longwire write"),
        ]

    @classmethod
    async def open(cls, options: ClientOptions, receiver: Receiver) -> Wire:
        """Open the transport.

        Raises:
            OSError: the server cannot be reached.
            WebSocketException: what answered speaks no WebSocket there.
        """
        websocket = await connect(
            options.websocket_url,
            additional_headers=dict(options.headers),
            compression=None,
            max_size=options.max_message,
            # Engine.IO's heartbeat decides about life and death; a second one only adds errors.
            ping_interval=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT,
            proxy=options.proxy,  # type: ignore[arg-type]
            ssl=options.ssl,
        )
        session = ClientSession("websocket", asyncio.get_running_loop().time())
        return cls(websocket, Connection.client(session), receiver, options.write_queue)

    async def connect(self, auth: object) -> None:
        """Join the main namespace.

        Raises:
            ConnectionRefused: the server answered CONNECT_ERROR.
            NotConnected: the connection ended meanwhile.
        """
        self.connection.connect("/", auth)
        self._pump()
        await self._connected

    def pause(self) -> None:
        """Let those who wait for what just came run before anything else is read."""
        self._must_yield = True

    # Sending

    def send(self, name: str, args: Sequence[object]) -> None:
        """Send an event; at most once, in order."""
        self.connection.send_event("/", name, args)
        self._flush()

    def request(self, name: str, args: Sequence[object], answered: Answered) -> None:
        """Send an event; `answered` gets its acknowledgement, or None when the connection ends."""
        ack_id = self.connection.next_ack_id()
        self._acks[ack_id] = answered
        self.connection.send_event("/", name, args, ack_id)
        self._flush()

    def acknowledge(self, ack_id: int, args: Sequence[object]) -> None:
        """Answer an event of the server."""
        self.connection.send_ack("/", ack_id, args)
        self._flush()

    def drained(self) -> asyncio.Future[None] | None:
        """What to wait for before sending more; None when the transport keeps up."""
        if len(self._outgoing) < self._high_water:
            return None
        if self._drained is None:
            self._drained = self._loop.create_future()
        return self._drained

    # Ending

    async def close(self) -> None:
        """Say goodbye after everything that was sent, within `CLOSE_TIMEOUT`; then it is over."""
        if not self.closed.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    self.connection.disconnect("/")
                    self._flush()
                    while self._outgoing:
                        self._drained = self._drained or self._loop.create_future()
                        await self._drained
                    await self._websocket.close()
            self._finish(CLIENT_DISCONNECT)
        await self.abort()

    async def abort(self) -> None:
        """End it without a word, and wait for what it ran."""
        self._finish(TRANSPORT_CLOSED)
        self._websocket.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finish(self, reason: DisconnectReason) -> None:
        if self.closed.done():
            return
        self.is_open = False
        self.closed.set_result(reason)
        if self._timer is not None:
            self._timer.cancel()
        error = self.error or NotConnected(reason.message)
        if not self._connected.done():
            self._connected.set_exception(error)
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        acks, self._acks = self._acks, {}
        for answered in acks.values():
            answered(None)
        self._receiver.receive_closed(reason, error)

    # Driving

    async def _read(self) -> None:
        engine, now = self.connection.engine, self._loop.time
        try:
            async for data in self._websocket:
                engine.receive_message(data, now())
                self._pump()
                if self.closed.done():
                    return
                if self._must_yield:
                    self._must_yield = False
                    await turns()
        except ConnectionClosed:
            engine.receive_eof(now())
            self._pump()
        except Exception as error:
            logger.exception("receiving failed")
            self.error = error
            self._finish(TRANSPORT_ERROR)
        else:
            engine.receive_eof(now())
            self._pump()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                while self._outgoing:
                    await self._websocket.send(self._outgoing[0])
                    self._outgoing.popleft()
                if self._drained is not None and not self._drained.done():
                    self._drained.set_result(None)
                self._drained = None
                self._wake.clear()
                await self._wake.wait()

    def _flush(self) -> None:
        messages = self.connection.messages_to_send()
        if messages:
            self._outgoing.extend(messages)
            self._wake.set()

    def _pump(self) -> None:
        """Hand out what happened and send what is to be said about it."""
        for event in self.connection.events():
            if type(event) is EventReceived:
                if self.is_open:
                    self._receiver.receive_event(event)
            else:
                self._dispatch(event)
        self._flush()
        if self._timer is None:
            self._arm()

    def _dispatch(self, event: object) -> None:
        match event:
            case AckReceived(ack_id=ack_id):
                answered = self._acks.pop(ack_id, None)
                if answered is not None:
                    answered(event)
            case Connected():
                self.is_open = True
                self._arm()
                if not self._connected.done():
                    self._connected.set_result(None)
            case Refused(message=message, data=data):
                self._refuse(message, data)
            case Disconnected():
                self._finish(SERVER_DISCONNECT)
            case Closed(reason=reason, error=error):
                self.error = self.error or error
                self._finish(reason)
            case _:
                pass

    def _refuse(self, message: str, data: object) -> None:
        self.error = ConnectionRefused(message, read(data, Refusal).code)
        self._finish(SERVER_DISCONNECT)

    # Time

    def _arm(self) -> None:
        # Once connected, heartbeats move the deadline later only: a timer that looks again when it
        # fires is enough, and no event costs a timer.
        deadline = self.connection.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
        if deadline is not None and not self.closed.done():
            self._timer = self._loop.call_at(deadline, self._handle_deadline)

    def _handle_deadline(self) -> None:
        self._timer = None
        self.connection.handle_deadline(self._loop.time())
        self._pump()


async def turns() -> None:
    """Let everybody else run who is ready, and who becomes ready by that, to some depth."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _observe(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
