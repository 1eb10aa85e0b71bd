"""A session over long-polling, for networks that block WebSockets, and its upgrade to one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVarTuple

from websockets.exceptions import WebSocketException

from longwire.background import BackgroundTasks
from longwire.client.transport.handshake import open_websocket
from longwire.client.transport.http import HttpConnection, Route
from longwire.client.transport.options import TransportOptions
from longwire.client.transport.websocket import MessageReceiver, WebSocket
from longwire.engineio.client import ClientSession
from longwire.engineio.session import Session
from longwire.engineio.state import State
from longwire.errors import LongwireError

Args = TypeVarTuple("Args")

logger = logging.getLogger("longwire.client")

FAILURES = (OSError, WebSocketException, LongwireError)
"""Errors of the network or of the server that fail one attempt to connect."""


class PollingReceiver(MessageReceiver, Protocol):
    """Callbacks of a `Polling`, called on the event loop, in order."""

    def receive_progress(self) -> None:
        """Handle that the session made progress: it may have events, and data to send."""
        ...


class Polling:
    """Carries a session by GET requests, which wait for the server's packets, and POST requests.

    Each kind uses a connection of its own, with one request at a time. Meanwhile a WebSocket is
    tried, once; if it opens, the session upgrades to it without losing a packet.

    Attributes:
        session: The session that is carried.
    """

    def __init__(self, options: TransportOptions, session: ClientSession, route: Route) -> None:
        self._options = options
        self._route = route
        self._gets = HttpConnection(route, options.max_message)
        self._posts = HttpConnection(route, options.max_message)
        self._may_upgrade = "websocket" in options.transports
        self._tasks = BackgroundTasks()
        self._receiver: PollingReceiver
        self._websocket: WebSocket | None = None
        self._is_closed = False
        self.session = session

    # The interface of a carrier

    @property
    def is_stalled(self) -> bool:
        """Whether the write buffer is full, so that data sent now waits in memory."""
        if self._websocket is not None and self.session.upgraded:
            return self._websocket.is_stalled
        return self.session.buffered_bytes > self._options.write_buffer

    @property
    def reads(self) -> int:
        """How many times bytes arrived from the server."""
        websocket = 0 if self._websocket is None else self._websocket.reads
        return self._gets.reads + self._posts.reads + websocket

    async def open(self) -> None:
        """Perform the handshake.

        Raises:
            OSError: The server cannot be reached.
            NotConnected: The server rejects the request.
            RemoteProtocolError: The response is not that of an Engine.IO server.
        """
        if self.session.claim_poll():
            await self._poll()

    def attach(self, receiver: PollingReceiver) -> None:
        """Report to `receiver` from now on, beginning with what came with the handshake."""
        self._receiver = receiver
        receiver.receive_progress()

    def flush(self, session: Session) -> None:
        """Send what the session has to send."""
        if self._is_closed:
            return
        if self._websocket is not None:
            self._flush_websocket(self._websocket, session)
        if session.state is State.CLOSED and not session.upgraded:
            self.abort()
            return
        if self.session.claim_poll():
            self._spawn(self._poll)
        body = self.session.payload_to_send()
        if body is not None:
            self._spawn(self._post, body)
        if self._may_upgrade and self.session.can_upgrade:
            self._may_upgrade = False
            self._spawn(self._probe)

    def probe(self) -> None:
        """Make the server send bytes at once over the WebSocket, if there is one."""
        if self._websocket is not None:
            self._websocket.probe()

    def close(self) -> None:
        """Close after everything that was sent."""
        if self._websocket is not None and self.session.upgraded:
            self._websocket.close()

    def abort(self) -> None:
        """Close at once, without a closing handshake."""
        self._is_closed = True
        self._tasks.cancel()
        self._gets.abort()
        self._posts.abort()
        if self._websocket is not None:
            self._websocket.abort()

    async def wait_closed(self) -> None:
        """Wait until all sockets are closed and all tasks have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._websocket is not None:
            await self._websocket.wait_closed()

    # Requests

    async def _poll(self) -> None:
        body = await self._gets.request("GET", self.session.sid)
        self.session.receive_payload(body, _now())

    async def _post(self, body: str) -> None:
        async with asyncio.timeout(self._options.timeout):
            await self._posts.request("POST", self.session.sid, body)
        self.session.receive_post_response(_now())

    def _spawn(self, work: Callable[[*Args], Awaitable[None]], *args: *Args) -> None:
        self._tasks.start(self._run(work, *args), name="longwire polling")

    async def _run(self, work: Callable[[*Args], Awaitable[None]], *args: *Args) -> None:
        try:
            await work(*args)
        except FAILURES as error:
            if not self._is_closed:
                self._receiver.receive_eof(error)
            return
        if not self._is_closed:
            self._receiver.receive_progress()
            if not self.is_stalled:
                self._receiver.receive_drained()

    # Upgrading to a WebSocket

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(self._options.timeout):
                websocket = await open_websocket(
                    self._options, self.session.sid, self._route.cookie
                )
        except FAILURES as error:
            logger.debug("cannot open a WebSocket, so long-polling continues: %s", error)
            return
        if self._is_closed or not self.session.can_upgrade:
            websocket.abort()
            return
        self._websocket = websocket
        self.session.start_probe(_now())
        websocket.attach(self)

    @staticmethod
    def _flush_websocket(websocket: WebSocket, session: Session) -> None:
        for message in session.probe_messages_to_send():
            websocket.send(message)
        websocket.flush(session)
        if not session.upgraded and not session.probing:
            websocket.close()

    def receive_messages(self, messages: list[str | bytes]) -> None:
        """Handle messages of the WebSocket."""
        if self.session.upgraded:
            self._receiver.receive_messages(messages)
            return
        for data in messages:
            self.session.receive_probe(data, _now())
        self._receiver.receive_progress()

    def receive_drained(self) -> None:
        """Report that the WebSocket's write buffer has drained."""
        self._receiver.receive_drained()

    def receive_eof(self, error: Exception | None) -> None:
        """Handle the end of the WebSocket, which ends the session only if that has upgraded."""
        if self.session.upgraded:
            self._receiver.receive_eof(error)
        elif not self._is_closed:
            self.session.receive_probe_eof(_now())
            self._websocket = None
            self._receiver.receive_progress()


async def open_polling(options: TransportOptions, session: ClientSession) -> Polling:
    """Start a session over long-polling; raises the exceptions of `Polling.open`."""
    polling = Polling(options, session, Route(options))
    try:
        await polling.open()
    except BaseException:
        polling.abort()
        raise
    return polling


def _now() -> float:
    return asyncio.get_running_loop().time()
