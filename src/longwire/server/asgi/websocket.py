"""WebSocket on any ASGI server."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from longwire.server.session.session import PACKETS_AT_ONCE
from longwire.server.session.stepping import go_on
from longwire.server.session.tcp_info import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from longwire.prepared import PreparedBatch
    from longwire.server.scope import Message, Receive, Send
    from longwire.server.session.session import Session


class ASGIWriter:
    """Sends WebSocket messages without a task, as long as the server takes them at once.

    Each `send` is stepped once, inline; only one that suspends, because the transport is full,
    gets a task, and what is written meanwhile waits in a queue.

    Args:
        send: the server's.
        on_drained: called when a server that was full has taken everything.
        on_closing: called when the close frame was written: the peer should be gone soon.
    """

    __slots__ = (
        "_closed",
        "_on_closing",
        "_on_drained",
        "_queue",
        "_send",
        "_taken",
        "_task",
        "is_direct",
    )

    def __init__(
        self, send: Send, on_drained: Callable[[], None], on_closing: Callable[[], None]
    ) -> None:
        self.is_direct = False
        self._send = send
        self._on_drained = on_drained
        self._on_closing = on_closing
        self._queue: deque[Message] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._taken = 0

    @property
    def stalled(self) -> bool:
        """Whether an earlier message is still on its way."""
        return self._task is not None

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages."""
        for data in messages:
            kind = "text" if isinstance(data, str) else "bytes"
            self._submit({"type": "websocket.send", kind: data})

    def write_batch(self, batch: PreparedBatch, positions: bool) -> None:
        """Send prepared messages."""
        self.write([message.packet(positions) for message in batch.messages])

    def close(self) -> None:
        """Close the WebSocket after what was written."""
        if not self._closed:
            self._submit({"type": "websocket.close", "code": 1000})
            self._closed = True
            self._on_closing()

    def traffic(self) -> Traffic:
        """Return how many messages the server took after making them wait, and how many wait."""
        waiting = 0 if self._task is None else 1 + len(self._queue or ())
        return Traffic(taken=self._taken, waiting=waiting)

    def abandon(self) -> None:
        """Drop what waits: the peer is gone."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    async def drain(self) -> None:
        """Wait until everything was handed over."""
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
        try:
            steps = self._send(message).__await__()
            awaited = next(steps)
        except StopIteration:
            return
        except Exception:  # the server says in its own way that the peer is gone
            self._closed = True
            return
        self._task = asyncio.get_running_loop().create_task(self._finish(steps, awaited))

    async def _finish(self, steps: Generator[Any, Any, None], awaited: object) -> None:
        try:
            await go_on(steps, awaited)
            self._taken += 1
            while self._queue:
                await self._send(self._queue.popleft())
                self._taken += 1
        except Exception:
            self._closed = True
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
) -> None:
    """Speak for one WebSocket until it is gone, or was closed and does not go.

    `attach` gives the session that the accepted WebSocket belongs to, or None to refuse it.
    """
    await receive()
    sessions: list[Session] = []

    def set_deadline() -> None:
        patience.reschedule(asyncio.get_running_loop().time() + close_timeout)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as patience:
            writer = ASGIWriter(send, lambda: sessions[0].receive_drained(), set_deadline)
            await send({"type": "websocket.accept"})
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
        if count % PACKETS_AT_ONCE == 0:  # what came together waits for no turn of the loop
            await asyncio.sleep(0)
