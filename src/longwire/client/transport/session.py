"""One connection to the server, from open to close: a transport that drives a `Connection`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from longwire.background import new_optional_future
from longwire.client.answers import read_first
from longwire.client.transport.handshake import open_websocket
from longwire.client.transport.options import TransportOptions
from longwire.client.transport.polling import open_polling
from longwire.connection.connection import Connection
from longwire.connection.events import (
    AckReceived,
    Connected,
    ConnectionEvent,
    Disconnected,
    EventReceived,
    Refused,
)
from longwire.engineio.client import ClientSession
from longwire.engineio.event import Closed
from longwire.engineio.session import Session
from longwire.engineio.state import Transport
from longwire.errors import ConnectionRefused, NotConnected
from longwire.reasons import (
    CLIENT_DISCONNECT,
    SERVER_DISCONNECT,
    TRANSPORT_CLOSED,
    DisconnectReason,
)
from longwire.socketio.encoder import EncodedEvent, encode_event_body
from longwire.wire import PING, ConnectError

logger = logging.getLogger("longwire.client")

# Seconds for the closing handshake. The link may be dead, and `disconnect` waits for it.
CLOSE_TIMEOUT = 1.0

# Turns of the event loop from setting a future's result to the body of the task that awaits it,
# through a gather, a timeout or both.
TURNS = 5

AckHandler = Callable[[AckReceived | None], None]
"""Receives an acknowledgement, or None when the connection ends without one."""


class SessionCallbacks(Protocol):
    """Callbacks of a `TransportSession`, called on the event loop, in order."""

    def receive(self, messages: list[str | bytes]) -> int:
        """Handle plain events at the front of messages that arrived together.

        Returns:
            How many messages were handled; the session processes the others.
        """
        ...

    def receive_event(self, event: EventReceived) -> None:
        """Handle an event of the server."""
        ...

    def receive_closed(self, reason: DisconnectReason, error: Exception) -> None:
        """Handle the end of the connection. It is the last call.

        Requests without an acknowledgement have received None before.
        """
        ...


class Carrier(Protocol):
    """What carries a session: a WebSocket, or HTTP requests that may upgrade to one."""

    @property
    def is_stalled(self) -> bool:
        """Whether the write buffer is full, so that data sent now waits in memory."""
        ...

    def flush(self, session: Session) -> None:
        """Send what the session has to send."""
        ...

    def probe(self) -> None:
        """Make the server send bytes at once over the WebSocket, if there is one."""
        ...

    def close(self) -> None:
        """Close after everything that was sent."""
        ...

    def abort(self) -> None:
        """Close at once, without a closing handshake."""
        ...

    @property
    def reads(self) -> int:
        """How many times bytes arrived from the server."""
        ...

    async def wait_closed(self) -> None:
        """Wait until all sockets are closed and all tasks have ended."""
        ...


@dataclass(eq=False, repr=False, slots=True)
class TransportSession:
    """Feeds a `Connection` from its carrier, and the carrier from the connection. Runs no task.

    Events that arrive between `open` and `start` wait for `start`.

    Attributes:
        is_open: Whether the main namespace is connected.
        error: The cause of the end, if there is one beside the reason.
        closed: Set to the reason when the connection has ended.
    """

    _carrier: Carrier
    connection: Connection
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _callbacks: SessionCallbacks | None = None
    _acks: dict[int, AckHandler] = field(default_factory=dict[int, AckHandler])
    _drained: asyncio.Future[None] | None = None
    _connected: asyncio.Future[None] = field(default_factory=new_optional_future)
    _timer: asyncio.TimerHandle | None = None
    _must_yield: bool = False
    # Events that wait, while there are no callbacks yet or `pause` holds them back.
    _backlog: list[ConnectionEvent] | None = None
    error: Exception | None = None
    closed: asyncio.Future[DisconnectReason] = field(init=False)
    is_open: bool = False

    def __post_init__(self) -> None:
        self.closed = self._loop.create_future()

    @classmethod
    async def open(
        cls, transport: Transport, options: TransportOptions, auth: object
    ) -> TransportSession:
        """Open a transport and connect to the main namespace.

        Raises:
            OSError: The server cannot be reached.
            WebSocketException: The server does not accept a WebSocket at this address.
            ConnectionRefused: The server answered CONNECT_ERROR.
            NotConnected: The server rejects long-polling, or the connection ended.
        """
        engine = ClientSession(transport, asyncio.get_running_loop().time())
        if transport == "polling":
            polling = await open_polling(options, engine)
            session = cls(polling, Connection.client(engine))
            polling.attach(session)
        else:
            websocket = await open_websocket(options)
            session = cls(websocket, Connection.client(engine))
            websocket.attach(session)
        try:
            session.connection.connect("/", auth)
            session._pump()
            await session._connected
        except BaseException:
            await session.end()
            raise
        return session

    def start(self, callbacks: SessionCallbacks) -> None:
        """Deliver what arrived since `open`, and from now on everything as it arrives."""
        self._callbacks = callbacks
        self._resume(0)

    @property
    def transport(self) -> Transport:
        """The transport that carries the session now."""
        return self.connection.engine.transport

    @property
    def reads(self) -> int:
        """How many times bytes arrived from the server, complete messages or not."""
        return self._carrier.reads

    def pause(self) -> None:
        """Hold back further events until tasks that await the current one have run."""
        self._must_yield = True

    # Sending

    def send(self, name: str, args: Sequence[object] = ()) -> None:
        """Send an event; at most once, in order."""
        self.connection.send_event("/", name, args)
        self._flush()

    def request(
        self,
        name: str,
        args: Sequence[object],
        answered: Callable[[list[object] | None], None],
    ) -> None:
        """Send an event and pass the values of its acknowledgement to `answered`.

        `answered` receives None when the connection ends without an acknowledgement.
        """

        def unpack(ack: AckReceived | None) -> None:
            answered(None if ack is None else ack.values())

        self.request_encoded(encode_event_body(name, args), unpack)

    def send_encoded(self, event: EncodedEvent) -> None:
        """Send an event that was encoded before."""
        self.connection.send_encoded("/", event)
        self._flush()

    def request_encoded(self, event: EncodedEvent, answered: AckHandler) -> Callable[[], object]:
        """Send an encoded event and pass its acknowledgement to `answered`.

        Returns:
            A function that drops `answered`, for when no task awaits the acknowledgement.
        """
        ack_id = self.connection.next_ack_id()
        self.connection.send_encoded("/", event, ack_id)
        self._acks[ack_id] = answered
        self._flush()
        return partial(self._acks.pop, ack_id, None)

    def probe(self) -> None:
        """Make the server send bytes at once, if the connection works."""
        if self.transport == "polling":
            self.send(PING)  # its POST request has a response of its own
        else:
            self._carrier.probe()

    def acknowledge(self, ack_id: int, args: Sequence[object]) -> None:
        """Acknowledge an event of the server."""
        self.connection.send_ack("/", ack_id, args)
        self._flush()

    def drained(self) -> asyncio.Future[None] | None:
        """Return a future that ends when the write buffer drains; None if it is not full.

        Callers share the future: shield it.
        """
        if not self._carrier.is_stalled or self.closed.done():
            return None
        if self._drained is None:
            self._drained = self._loop.create_future()
        return self._drained

    # Ending

    def close(self) -> None:
        """Close after everything that was sent; `end` waits for the closing handshake."""
        if self.closed.done():
            return
        self.connection.close(CLIENT_DISCONNECT, self._loop.time())
        self._flush()
        self._carrier.close()
        self._finish(CLIENT_DISCONNECT)

    def fail(self, error: Exception, reason: DisconnectReason) -> None:
        """End a connection that does not work any more; `end` closes the transport at once."""
        self.error = error
        self._finish(reason)

    async def end(self) -> None:
        """Release everything: after the closing handshake if there is one, else at once."""
        self._finish(TRANSPORT_CLOSED)
        try:
            if self.closed.result() is CLIENT_DISCONNECT:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._carrier.wait_closed()
        except TimeoutError:
            pass
        finally:
            self._carrier.abort()
        await self._carrier.wait_closed()

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
        self.receive_drained()
        acks, self._acks = self._acks, {}
        for answered in acks.values():
            answered(None)
        if self._callbacks is not None:
            self._callbacks.receive_closed(reason, error)

    # Callbacks of the carrier

    def receive_messages(self, messages: list[str | bytes]) -> None:
        """Process messages of a WebSocket that arrived together.

        Almost all are plain events, which the callbacks parse themselves: passing each through the
        queues of `engineio` and `connection` would cost three times as much.
        """
        callbacks = self._callbacks if self.is_open and self._backlog is None else None
        if callbacks is not None and self.connection.can_read_directly:
            taken = callbacks.receive(messages)
            if taken == len(messages):
                return
            messages = messages[taken:]
        engine, now = self.connection.engine, self._loop.time()
        for data in messages:
            engine.receive_message(data, now)
        self._pump()

    def receive_progress(self) -> None:
        """Process what long-polling requests brought, and set the timer again."""
        self._pump()
        self._arm()

    def receive_drained(self) -> None:
        """Wake callers that wait for the write buffer to drain."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def receive_eof(self, error: Exception | None) -> None:
        """Process the end of the transport."""
        self.error = self.error or error
        self.connection.engine.receive_eof(self._loop.time())
        self._pump()

    # Driving the connection

    def _flush(self) -> None:
        self._carrier.flush(self.connection.engine)

    def _pump(self) -> None:
        """Deliver the connection's events and send what it has to send."""
        events = self.connection.events()
        if self._backlog is not None:
            self._backlog += events
        else:
            self._deliver(events)
        self._flush()
        if self._timer is None:
            self._arm()

    def _deliver(self, events: list[ConnectionEvent]) -> None:
        for index, event in enumerate(events):
            if type(event) is not EventReceived:
                self._dispatch(event)
            elif self.is_open and self._callbacks is not None:
                self._callbacks.receive_event(event)
            if self._must_yield:
                self._must_yield = False
                self._backlog = events[index + 1 :]
                if self._callbacks is not None:  # else `start` resumes
                    self._loop.call_soon(self._resume, TURNS)
                return

    def _resume(self, turns: int) -> None:
        """Deliver the backlog after some turns of the event loop."""
        if turns:
            self._loop.call_soon(self._resume, turns - 1)
            return
        backlog, self._backlog = self._backlog or [], None
        self._deliver(backlog)
        self._flush()

    def _dispatch(self, event: ConnectionEvent) -> None:
        match event:
            case AckReceived(ack_id=ack_id):
                answered = self._acks.pop(ack_id, None)
                if answered is not None:
                    answered(event)
            case Connected():
                self.is_open = True
                self._must_yield = True  # until `start`
                self._arm()
                if not self._connected.done():
                    self._connected.set_result(None)
            case Refused(message=message, data=data):
                self.error = ConnectionRefused(message, read_first([data], ConnectError).code)
                self._finish(SERVER_DISCONNECT)
            case Disconnected():
                self._finish(SERVER_DISCONNECT)
            case Closed(reason=reason, error=error):
                self.error = self.error or error
                self._finish(reason)
            case _:
                pass

    # Time

    def _arm(self) -> None:
        # While connected, heartbeats only move the deadline later. So no event sets the timer:
        # when it fires too early, it looks at the deadline again.
        deadline = self.connection.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
        if deadline is not None and not self.closed.done():
            self._timer = self._loop.call_at(deadline, self._handle_deadline)

    def _handle_deadline(self) -> None:
        self._timer = None
        self.connection.handle_deadline(self._loop.time())
        self._pump()


async def run_ready_callbacks() -> None:
    """Yield to the loop a few times, so that callbacks scheduled by callbacks run too."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
