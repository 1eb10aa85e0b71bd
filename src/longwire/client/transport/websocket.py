"""An open WebSocket, as an asyncio protocol that reads and writes frames with our own codec.

The parser of `websockets` costs more per event than everything above it (9 of 16 µs, measured).
So that library only opens the connection; see `handshake`.
"""

import asyncio
import os
from typing import Protocol

from longwire.engineio.session import Session
from longwire.errors import RemoteProtocolError
from longwire.types import override
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import (
    encode_binary,
    encode_close,
    encode_ping,
    encode_pong,
    encode_text,
)
from longwire.websocket.messages import NORMAL, Close, Message, Ping, ProtocolViolation

# Masks that are drawn from the system at once.
MASKS = 1024

# Messages after which reading pauses for a turn of the loop. uvloop reads megabytes in one turn:
# ten thousands of events would fill the queue of a handler that is not slow at all.
BURST = 1000


class MessageReceiver(Protocol):
    """Callbacks of a `WebSocket`, called on the event loop, in order."""

    def receive_messages(self, messages: list[str | bytes]) -> None:
        """Handle text and binary messages that arrived together."""
        ...

    def receive_drained(self) -> None:
        """Handle that the write buffer has drained after it was full."""
        ...

    def receive_eof(self, error: Exception | None) -> None:
        """Handle the end of the WebSocket. It is the last call."""
        ...


class WebSocket(asyncio.Protocol):
    """The client's end of an open WebSocket.

    Attributes:
        is_stalled: Whether the write buffer is full, so that data sent now waits in memory.
        closed: Set when the transport is closed.
        reads: How many times bytes arrived.
    """

    def __init__(self, transport: asyncio.Transport, max_message: int, write_buffer: int) -> None:
        transport.set_write_buffer_limits(high=write_buffer)
        self._transport = transport
        self._burst = 0
        self._decoder = FrameDecoder("client", max_message)
        self._masks = memoryview(b"")
        self._early: list[str | bytes] = []
        self._receiver: MessageReceiver | None = None
        self._error: Exception | None = None
        self._has_sent_close = False
        self.is_stalled = False
        self.closed = asyncio.Event()
        self.reads = 0

    def attach(self, receiver: MessageReceiver) -> None:
        """Pass messages to `receiver` from now on, beginning with those that arrived already."""
        self._receiver = receiver
        early, self._early = self._early, []
        if early:
            receiver.receive_messages(early)
        if self.closed.is_set():
            receiver.receive_eof(self._error)

    def send(self, message: str | bytes) -> None:
        """Send a message, in order; never blocks."""
        if self._has_sent_close:
            return
        encode = encode_text if isinstance(message, str) else encode_binary
        self._transport.write(encode(message, self._mask()))  # type: ignore[arg-type]

    def flush(self, session: Session) -> None:
        """Send what a session that this WebSocket carries has to send."""
        for message in session.messages_to_send():
            self.send(message)

    def probe(self) -> None:
        """Send a Ping frame. An event would wait until the server has handled those before it."""
        if not self._has_sent_close:
            self._transport.write(encode_ping(mask=self._mask()))

    def close(self, code: int = NORMAL) -> None:
        """Send a Close frame after everything that was sent; the server closes the transport."""
        if not self._has_sent_close:
            self._transport.write(encode_close(code, mask=self._mask()))
            self._has_sent_close = True

    def abort(self) -> None:
        """Close the transport at once, without a closing handshake."""
        self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the transport is closed."""
        await self.closed.wait()

    # Callbacks of asyncio

    @override
    def data_received(self, data: bytes) -> None:
        self.reads += 1
        messages: list[str | bytes] = []
        for message in self._decoder.receive_data(data):
            if type(message) is str or type(message) is bytes:
                messages.append(message)
            else:
                self._receive_control(message)
        if not messages:
            return
        self._burst += len(messages)
        if self._burst >= BURST:
            self._pause_reading()
        if self._receiver is None:
            self._early += messages
        else:
            self._receiver.receive_messages(messages)

    @override
    def pause_writing(self) -> None:
        self.is_stalled = True

    @override
    def resume_writing(self) -> None:
        self.is_stalled = False
        if self._receiver is not None:
            self._receiver.receive_drained()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._has_sent_close = True
        self._error = self._error or exc
        self.closed.set()
        if self._receiver is not None:
            self._receiver.receive_eof(self._error)

    def _pause_reading(self) -> None:
        """Read nothing for one turn of the loop, so that handlers keep up with a flood."""
        self._burst = 0
        if not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _receive_control(self, message: Message) -> None:
        match message:
            case Ping(data=data) if not self._has_sent_close:
                self._transport.write(encode_pong(data, self._mask()))
            case Close():
                self.close()
                self._transport.close()
            case ProtocolViolation(code=code, reason=reason):
                self._error = RemoteProtocolError(reason)
                self.close(code)
                self._transport.close()
            case _:
                pass

    def _mask(self) -> bytes:
        """Return four unpredictable bytes, as RFC 6455 § 10.3 requires for each frame."""
        if not self._masks:
            self._masks = memoryview(os.urandom(4 * MASKS))
        mask, self._masks = self._masks[:4], self._masks[4:]
        return bytes(mask)
