"""WebSocket sessions under any ASGI server."""

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import CoroutineType

from longwire.prepared import PreparedBatch
from longwire.server.scope import Message, Receive, Send
from longwire.server.session.session import PACKETS_AT_ONCE, Session
from longwire.server.session.tcp_info import Traffic
from longwire.task_pool import finish

logger = logging.getLogger("longwire.server")


@dataclass(eq=False, repr=False, slots=True)
class ASGIWriter:
    """Sends WebSocket messages over ASGI, without a task while the transport takes them.

    Each call of `send` is stepped once, inline. A task is created only if it suspends because the
    transport is full, or if `send` is not a coroutine function; messages that are written meanwhile
    wait in a queue.

    Args:
        send: the `send` of the ASGI server.
        on_drained: called when the server has sent all messages that had to wait.
        on_closing: called when the close frame was sent.
    """

    _send: Send
    _on_drained: Callable[[], None]
    _on_closing: Callable[[], None]
    is_direct: bool = False
    _queue: deque[Message] | None = None
    _task: asyncio.Task[None] | None = None
    _closed: bool = False
    _taken: int = 0

    @property
    def stalled(self) -> bool:
        """Whether an earlier message still waits to be sent."""
        return self._task is not None

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages."""
        for data in messages:
            kind = "text" if isinstance(data, str) else "bytes"
            self._submit({"type": "websocket.send", kind: data})

    def write_batch(self, batch: PreparedBatch, with_positions: bool) -> None:
        """Send prepared messages."""
        self.write([message.packet(with_positions) for message in batch.messages])

    def close(self) -> None:
        """Close the WebSocket after what was written."""
        if not self._closed:
            close: Message = {"type": "websocket.close", "code": 1000}
            if asyncio.current_task() is None and self._task is None:
                # Some servers use a timeout when they close, which needs a task.
                self._task = asyncio.get_running_loop().create_task(self._finish(self._send(close)))
            else:
                self._submit(close)
            self._closed = True
            self._on_closing()

    def traffic(self) -> Traffic:
        """Return how many messages had to wait and were sent, and how many still wait."""
        waiting = 0 if self._task is None else 1 + len(self._queue or ())
        return Traffic(taken=self._taken, waiting=waiting)

    def abandon(self) -> None:
        """Drop the messages that wait, since the peer has disconnected."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    async def drain(self) -> None:
        """Wait until all messages were sent."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _submit(self, message: Message) -> None:
        if self._closed:
            return
        if self._task is not None:
            if self._queue is None:
                self._queue = deque()
            self._queue.append(message)
            return
        sending = self._send(message)
        if not isinstance(sending, CoroutineType):
            # Another kind of awaitable, such as Granian's, may expect to be awaited by a task.
            self._task = asyncio.get_running_loop().create_task(self._finish(sending))
            return
        try:
            steps = sending.__await__()
            awaited = next(steps)
        except StopIteration:
            return
        except Exception as error:
            self._fail(error)
            return
        rest = finish(steps, awaited)
        self._task = asyncio.get_running_loop().create_task(self._finish(rest))

    def _fail(self, error: Exception) -> None:
        """Stop sending. Mostly the peer has disconnected, for which each server has its error."""
        self._closed = True
        logger.debug("a WebSocket message could not be sent", exc_info=error)

    async def _finish(self, first: Awaitable[None]) -> None:
        """Send the first message, or the rest of it, and those that wait behind it."""
        try:
            await first
            self._taken += 1
            while self._queue:
                await self._send(self._queue.popleft())
                self._taken += 1
        except Exception as error:
            self._fail(error)
        finally:
            self._task = None
            self._queue = None
        if not self._closed:
            self._on_drained()


async def serve_websocket(
    attach: Callable[[ASGIWriter], Session | None],
    receive: Receive,
    send: Send,
    close_timeout: float,
    subprotocol: str | None = None,
) -> None:
    """Serve one WebSocket until it disconnects.

    Args:
        attach: returns the session of the accepted WebSocket, or None to reject it.
        receive: the `receive` of the ASGI server.
        send: the `send` of the ASGI server.
        close_timeout: seconds to wait for the peer after the server has closed the WebSocket.
        subprotocol: the subprotocol to accept, one that the client offered; None for none.
    """
    await receive()
    sessions: list[Session] = []

    def set_deadline() -> None:
        timeout.reschedule(asyncio.get_running_loop().time() + close_timeout)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            writer = ASGIWriter(send, lambda: sessions[0].receive_drained(), set_deadline)
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
            session = attach(writer)
            if session is None:
                writer.close()
                await writer.drain()
                return
            sessions.append(session)
            writer.write(session.engine.messages_to_send())
            try:
                await _pump(session, writer, receive)
            finally:
                writer.abandon()
                session.receive_websocket_eof(writer)


async def _pump(session: Session, writer: ASGIWriter, receive: Receive) -> None:
    for count in itertools.count(1):
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        session.receive_websocket(writer, data)
        await session.until_readable()
        if count % PACKETS_AT_ONCE == 0:  # receiving a buffered message does not yield
            await asyncio.sleep(0)
