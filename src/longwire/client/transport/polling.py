"""A session over long-polling, for where no WebSocket gets through; and its way out of there."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, TypeVarTuple

from websockets.exceptions import WebSocketException

from longwire.background import BackgroundTasks
from longwire.client.transport.http import HttpConnection, Route
from longwire.client.transport.websocket import Receiver, WebSocket, open_websocket
from longwire.engineio import ClientSession, Session, State
from longwire.errors import LongwireError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.client.options import ClientOptions

Args = TypeVarTuple("Args")

logger = logging.getLogger("longwire.client")

FAILURES = (OSError, WebSocketException, LongwireError)
"""What the network and the other side may do to an attempt."""


class PollingReceiver(Receiver, Protocol):
    """What long-polling tells, on the event loop."""

    def receive_progress(self) -> None:
        """The session went on: it may have events, and something to send."""
        ...


class Polling:
    """Carries a session by a GET that waits for the server and a POST for what is to be sent.

    Each runs on a connection of its own, one at a time. Beside them a WebSocket is tried, once;
    when it opens, the session moves there without losing anything.

    Attributes:
        session: what is carried.
    """

    __slots__ = (
        "_gets",
        "_is_over",
        "_may_upgrade",
        "_options",
        "_posts",
        "_receiver",
        "_route",
        "_tasks",
        "_websocket",
        "session",
    )

    def __init__(self, options: ClientOptions, session: ClientSession, route: Route) -> None:
        self._options = options
        self._route = route
        self._gets = HttpConnection(route, options.max_message)
        self._posts = HttpConnection(route, options.max_message)
        self._may_upgrade = "websocket" in options.transports
        self._tasks = BackgroundTasks()
        self._receiver: PollingReceiver
        self._websocket: WebSocket | None = None
        self._is_over = False
        self.session = session

    # What a wire needs

    @property
    def is_stalled(self) -> bool:
        """Whether what is sent now waits in memory."""
        if self._websocket is not None and self.session.upgraded:
            return self._websocket.is_stalled
        return self.session.buffered_bytes > self._options.write_buffer

    async def open(self) -> None:
        """Make the handshake.

        Raises:
            OSError: the server cannot be reached.
            NotConnected: it refuses.
            RemoteProtocolError: what answers is no server.
        """
        if self.session.poll_to_send():
            await self._poll()

    def attach(self, receiver: PollingReceiver) -> None:
        """Tell `receiver` from now on, beginning with what came with the handshake."""
        self._receiver = receiver
        receiver.receive_progress()

    def flush(self, session: Session) -> None:
        """Send what the session wants to send."""
        if self._is_over:
            return
        if self._websocket is not None:
            self._flush_websocket(self._websocket, session)
        if session.state is State.CLOSED and not session.upgraded:
            self.abort()
            return
        if self.session.poll_to_send():
            self._spawn(self._poll)
        body = self.session.payload_to_send()
        if body is not None:
            self._spawn(self._post, body)
        if self._may_upgrade and self.session.can_upgrade:
            self._may_upgrade = False
            self._spawn(self._probe)

    def close(self) -> None:
        """End after everything that was sent."""
        if self._websocket is not None and self.session.upgraded:
            self._websocket.close()

    def abort(self) -> None:
        """End without a word."""
        self._is_over = True
        self._tasks.cancel()
        self._gets.abort()
        self._posts.abort()
        if self._websocket is not None:
            self._websocket.abort()

    async def wait_over(self) -> None:
        """Wait until nothing runs any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._websocket is not None:
            await self._websocket.wait_over()

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
            if not self._is_over:
                self._receiver.receive_eof(error)
            return
        if not self._is_over:
            self._receiver.receive_progress()
            if not self.is_stalled:
                self._receiver.receive_drained()

    # The WebSocket beside them

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(self._options.timeout):
                websocket = await open_websocket(
                    self._options, self.session.sid, self._route.cookie
                )
        except FAILURES as error:
            logger.debug("no WebSocket opens; long-polling goes on: %s", error)
            return
        if self._is_over or not self.session.can_upgrade:
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
        """Take what came over the WebSocket."""
        if self.session.upgraded:
            self._receiver.receive_messages(messages)
            return
        for data in messages:
            self.session.receive_probe(data, _now())
        self._receiver.receive_progress()

    def receive_drained(self) -> None:
        """Pass on that the WebSocket takes data again."""
        self._receiver.receive_drained()

    def receive_eof(self, error: Exception | None) -> None:
        """Notice that the WebSocket is gone: with it the session, if it had moved there."""
        if self.session.upgraded:
            self._receiver.receive_eof(error)
        elif not self._is_over:
            self.session.receive_probe_eof(_now())
            self._websocket = None
            self._receiver.receive_progress()


async def open_polling(options: ClientOptions, session: ClientSession) -> Polling:
    """Begin a session over long-polling; see `Polling.open` for what is raised."""
    polling = Polling(options, session, Route(options))
    try:
        await polling.open()
    except BaseException:
        polling.abort()
        raise
    return polling


def _now() -> float:
    return asyncio.get_running_loop().time()
