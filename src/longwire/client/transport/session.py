"""One connection to the server, from open to close: a transport driving a `Connection`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from longwire.client.answers import read_first
from longwire.client.outcome import new_outcome
from longwire.client.transport.polling import open_polling
from longwire.client.transport.websocket import open_websocket
from longwire.connection import (
    AckReceived,
    Connected,
    Connection,
    ConnectionEvent,
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
    DisconnectReason,
)
from longwire.wire import ConnectError

if TYPE_CHECKING:
    from longwire.client.options import ClientOptions
    from longwire.engineio import Session, Transport

logger = logging.getLogger("longwire.client")

# How long a goodbye may take: the server's answer to it, over a link that may be dead.
CLOSE_TIMEOUT = 1.0

# From a future to the body of the task that awaits it, through a gather or a timeout.
TURNS = 5

Answered = Callable[[AckReceived | None], None]


class Receiver(Protocol):
    """What a wire tells its owner, on the event loop, in order."""

    def receive_event(self, event: EventReceived) -> None:
        """The server sent an event."""
        ...

    def receive_logged(self, messages: list[str | bytes]) -> int:
        """Messages came together: take events of logs from the front; return how many."""
        ...

    def receive_events(self, events: list[EventReceived]) -> None:
        """The server sent events that ask for no answer; they came together, and nothing else."""
        ...

    def receive_closed(self, reason: DisconnectReason, error: Exception) -> None:
        """The connection is over; nothing follows, and every acknowledgement was answered."""
        ...


class Carrier(Protocol):
    """What carries the session: a WebSocket, or requests that may move to one."""

    @property
    def is_stalled(self) -> bool:
        """Whether what is sent now waits in memory."""
        ...

    def flush(self, session: Session) -> None:
        """Send what the session wants to send."""
        ...

    def close(self) -> None:
        """End after everything that was sent."""
        ...

    def abort(self) -> None:
        """End without a word."""
        ...

    async def wait_over(self) -> None:
        """Wait until nothing of it is left."""
        ...


class Wire:
    """Feeds a `Connection` from its carrier and the carrier from it. It runs no task.

    Attributes:
        is_open: whether the namespace is connected and not left.
        error: what the end is to be blamed on, if anything but its reason.
        closed: done once it is over.
    """

    __slots__ = (
        "_acks",
        "_backlog",
        "_carrier",
        "_connected",
        "_drained",
        "_loop",
        "_must_yield",
        "_receiver",
        "_timer",
        "closed",
        "connection",
        "error",
        "is_open",
    )

    def __init__(self, carrier: Carrier, connection: Connection, receiver: Receiver) -> None:
        self._loop = asyncio.get_running_loop()
        self._carrier = carrier
        self._receiver = receiver
        self._acks: dict[int, Answered] = {}
        self._drained: asyncio.Future[None] | None = None
        self._connected: asyncio.Future[None] = new_outcome()
        self._timer: asyncio.TimerHandle | None = None
        self._must_yield = False
        self._backlog: list[ConnectionEvent] | None = None
        self.connection = connection
        self.error: Exception | None = None
        self.closed: asyncio.Future[DisconnectReason] = self._loop.create_future()
        self.is_open = False

    @classmethod
    async def open(cls, transport: Transport, options: ClientOptions, receiver: Receiver) -> Wire:
        """Open a transport.

        Raises:
            OSError: the server cannot be reached.
            WebSocketException: what answered speaks no WebSocket there.
            NotConnected: it refuses long-polling.
        """
        session = ClientSession(transport, asyncio.get_running_loop().time())
        if transport == "polling":
            polling = await open_polling(options, session)
            wire = cls(polling, Connection.client(session), receiver)
            polling.attach(wire)
        else:
            websocket = await open_websocket(options)
            wire = cls(websocket, Connection.client(session), receiver)
            websocket.attach(wire)
        return wire

    @property
    def transport(self) -> Transport:
        """What carries it now."""
        return self.connection.engine.transport

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
        """Let those who wait for what just came run before anything else is handed out."""
        self._must_yield = True

    # Sending

    def send(self, name: str, args: Sequence[object]) -> None:
        """Send an event; at most once, in order."""
        self.connection.send_event("/", name, args)
        self._flush()

    def request(
        self, name: str, args: Sequence[object], answered: Answered
    ) -> Callable[[], object]:
        """Send an event; `answered` gets its acknowledgement, or None when the connection ends.

        Returns:
            What to call if nobody waits for it any more.
        """
        ack_id = self.connection.next_ack_id()
        self.connection.send_event("/", name, args, ack_id)
        self._acks[ack_id] = answered
        self._flush()
        return partial(self._acks.pop, ack_id, None)

    def acknowledge(self, ack_id: int, args: Sequence[object]) -> None:
        """Answer an event of the server."""
        self.connection.send_ack("/", ack_id, args)
        self._flush()

    def drained(self) -> asyncio.Future[None] | None:
        """What to wait for before sending more; None when the transport keeps up."""
        if not self._carrier.is_stalled or self.closed.done():
            return None
        if self._drained is None:
            self._drained = self._loop.create_future()
        return self._drained

    # Ending

    def close(self) -> None:
        """Say goodbye after everything that was sent; `end` lets it through."""
        if self.closed.done():
            return
        self.connection.close(CLIENT_DISCONNECT, self._loop.time())
        self._flush()
        self._carrier.close()
        self._finish(CLIENT_DISCONNECT)

    async def end(self) -> None:
        """End it: after the goodbye, within `CLOSE_TIMEOUT`, or without a word."""
        self._finish(TRANSPORT_CLOSED)
        try:
            if self.closed.result() is CLIENT_DISCONNECT:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._carrier.wait_over()
        except TimeoutError:
            pass
        finally:
            self._carrier.abort()
        await self._carrier.wait_over()

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
        self._receiver.receive_closed(reason, error)

    # What the carrier tells

    def receive_messages(self, messages: list[str | bytes]) -> None:
        """Take what came in one go; plain events, which is almost all, past the session."""
        if self.is_open and self._backlog is None and self.connection.can_read_directly:
            taken = self._receiver.receive_logged(messages)
            if taken == len(messages):
                return
            messages = messages[taken:]
        read = self.connection.read_event
        events: list[EventReceived] = []
        for data in messages:
            event = read(data)
            if event is None or event.ack_id is not None:
                break
            events.append(event)
        else:
            if self.is_open and self._backlog is None:
                self._receiver.receive_events(events)
                return
        engine, now = self.connection.engine, self._loop.time()
        for data in messages:
            engine.receive_message(data, now)
        self._pump()

    def receive_progress(self) -> None:
        """Take what requests brought the session, and look again when it wants to be called."""
        self._pump()
        self._arm()

    def receive_drained(self) -> None:
        """Let those go on who were slowed down."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def receive_eof(self, error: Exception | None) -> None:
        """Notice that the transport is gone."""
        self.error = self.error or error
        self.connection.engine.receive_eof(self._loop.time())
        self._pump()

    # Driving

    def _flush(self) -> None:
        self._carrier.flush(self.connection.engine)

    def _pump(self) -> None:
        """Hand out what happened and send what is to be said about it."""
        events = self.connection.events()
        if self._backlog is not None:
            self._backlog += events
        else:
            self._hand_out(events)
        self._flush()
        if self._timer is None:
            self._arm()

    def _hand_out(self, events: list[ConnectionEvent]) -> None:
        for index, event in enumerate(events):
            if type(event) is EventReceived:
                if self.is_open:
                    self._receiver.receive_event(event)
            else:
                self._dispatch(event)
            if self._must_yield:
                self._must_yield = False
                self._backlog = events[index + 1 :]
                self._loop.call_soon(self._resume, TURNS)
                return

    def _resume(self, turns: int) -> None:
        if turns:
            self._loop.call_soon(self._resume, turns - 1)
            return
        backlog, self._backlog = self._backlog or [], None
        self._hand_out(backlog)
        self._flush()

    def _dispatch(self, event: ConnectionEvent) -> None:
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
        self.error = ConnectionRefused(message, read_first([data], ConnectError).code)
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


class WireRequests:
    """A wire, as rooms see it: acknowledgements as plain values."""

    __slots__ = ("_wire",)

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def send(self, name: str, args: Sequence[object]) -> None:
        """Send an event that needs no acknowledgement."""
        self._wire.send(name, args)

    def pause(self) -> None:
        """Read nothing until those who wait had a turn."""
        self._wire.pause()

    def request(
        self,
        name: str,
        args: Sequence[object],
        answered: Callable[[list[object] | None], None],
    ) -> None:
        """Send an event and hear the values of its acknowledgement."""

        def unpack(ack: AckReceived | None) -> None:
            answered(None if ack is None else ack.values())

        self._wire.request(name, args, unpack)


async def turns() -> None:
    """Let everybody else run who is ready, and who becomes ready by that, to some depth."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
