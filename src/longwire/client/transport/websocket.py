"""The WebSocket below a wire: `websockets` opens it, our codec carries its frames.

The library knows proxies, TLS and redirects, and is out of the way once the server has answered
101: its parser alone costs more per event than everything above it (9 of 16 µs, measured).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI

from longwire.errors import NotConnected, RemoteProtocolError
from longwire.types import override
from longwire.websocket import (
    Close,
    FrameDecoder,
    Ping,
    ProtocolViolation,
    encode_binary,
    encode_close,
    encode_pong,
    encode_text,
)
from longwire.websocket.messages import NORMAL

if TYPE_CHECKING:
    from longwire.client.options import ClientOptions
    from longwire.engineio import Session
    from longwire.websocket import Message

# Masks that are drawn at once.
MASKS = 1024

# Messages after which others get a turn. uvloop reads megabytes in one turn: ten thousands of
# events would fill the queue of a handler that is not slow at all.
BURST = 1000


class Receiver(Protocol):
    """What a WebSocket tells, on the event loop, in order."""

    def receive_messages(self, messages: list[str | bytes]) -> None:
        """Messages came: text or binary."""
        ...

    def receive_drained(self) -> None:
        """The transport takes data again after it was stalled."""
        ...

    def receive_eof(self, error: Exception | None) -> None:
        """The WebSocket is over; nothing follows."""
        ...


class WebSocket(asyncio.Protocol):
    """An open WebSocket, from the client's side.

    Attributes:
        is_stalled: whether what is sent now waits in memory.
        is_over: set when the transport is gone.
    """

    __slots__ = (
        "_burst",
        "_decoder",
        "_early",
        "_error",
        "_has_said_goodbye",
        "_masks",
        "_receiver",
        "_transport",
        "is_over",
        "is_stalled",
    )

    def __init__(self, transport: asyncio.Transport, max_message: int, write_buffer: int) -> None:
        transport.set_write_buffer_limits(high=write_buffer)
        self._transport = transport
        self._burst = 0
        self._decoder = FrameDecoder("client", max_message)
        self._masks = memoryview(b"")
        self._early: list[str | bytes] = []
        self._receiver: Receiver | None = None
        self._error: Exception | None = None
        self._has_said_goodbye = False
        self.is_stalled = False
        self.is_over = asyncio.Event()

    def attach(self, receiver: Receiver) -> None:
        """Tell `receiver` from now on, beginning with what came early."""
        self._receiver = receiver
        early, self._early = self._early, []
        if early:
            receiver.receive_messages(early)
        if self.is_over.is_set():
            receiver.receive_eof(self._error)

    def send(self, message: str | bytes) -> None:
        """Send a message, in order; never blocks."""
        if self._has_said_goodbye:
            return
        encode = encode_text if isinstance(message, str) else encode_binary
        self._transport.write(encode(message, self._mask()))  # type: ignore[arg-type]

    def flush(self, session: Session) -> None:
        """Send what a session that is on this WebSocket wants to send."""
        for message in session.messages_to_send():
            self.send(message)

    def close(self, code: int = NORMAL) -> None:
        """Say goodbye after everything that was sent; the server then ends the transport."""
        if not self._has_said_goodbye:
            self._transport.write(encode_close(code, mask=self._mask()))
            self._has_said_goodbye = True

    def abort(self) -> None:
        """End the transport without a word."""
        self._transport.abort()

    async def wait_over(self) -> None:
        """Wait until the transport is gone."""
        await self.is_over.wait()

    # asyncio's side

    @override
    def data_received(self, data: bytes) -> None:
        """Decode what came and hand it over."""
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
            self._give_way()
        if self._receiver is None:
            self._early += messages
        else:
            self._receiver.receive_messages(messages)

    @override
    def pause_writing(self) -> None:
        """Notice that the transport is full."""
        self.is_stalled = True

    @override
    def resume_writing(self) -> None:
        """Notice that the transport takes data again."""
        self.is_stalled = False
        if self._receiver is not None:
            self._receiver.receive_drained()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Notice the end."""
        self._has_said_goodbye = True
        self._error = self._error or exc
        self.is_over.set()
        if self._receiver is not None:
            self._receiver.receive_eof(self._error)

    def _give_way(self) -> None:
        """Read nothing for one turn of the loop, so that handlers keep up with a flood."""
        self._burst = 0
        if not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _receive_control(self, message: Message) -> None:
        match message:
            case Ping(data=data) if not self._has_said_goodbye:
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
        """Four unpredictable bytes (RFC 6455 § 10.3), from the system in one go for many frames."""
        if not self._masks:
            self._masks = memoryview(os.urandom(4 * MASKS))
        mask, self._masks = self._masks[:4], self._masks[4:]
        return bytes(mask)


class _Handshake(ClientConnection):
    """The library's connection up to the server's 101; then the transport is `upgraded`'s."""

    upgraded: WebSocket | None = None
    max_message = 0
    write_buffer = 0
    _head = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n") + 4
        if end < 4 or not self._head.startswith(b"HTTP/1.1 101 "):
            super().data_received(data)
            return
        frames = self._head[end:]
        self.upgraded = WebSocket(self.transport, self.max_message, self.write_buffer)
        self.transport.set_protocol(self.upgraded)
        super().data_received(data[: len(data) - len(frames)])
        if frames:
            self.upgraded.data_received(frames)


async def open_websocket(
    options: ClientOptions, sid: str | None = None, cookie: str = ""
) -> WebSocket:
    """Open a WebSocket to the server.

    Args:
        options: where and how.
        sid: the session that it shall carry; None begins a new one.
        cookie: the cookies of that session.

    Raises:
        OSError: it cannot be reached.
        WebSocketException: what answered speaks no WebSocket there.
        NotConnected: it redirects to where no WebSocket is.
    """

    if options.open_websocket is not None:
        return await options.open_websocket(options)

    class Handshake(_Handshake):
        max_message = options.max_message
        write_buffer = options.write_buffer

    address = options.address("websocket", sid)
    try:
        opened = await connect(
            address,
            additional_headers={**options.headers, **({"Cookie": cookie} if cookie else {})},
            compression=None,
            ping_interval=None,
            open_timeout=None,
            proxy=options.proxy,  # type: ignore[arg-type]
            ssl=(options.ssl or True) if address.startswith("wss:") else None,
            create_connection=Handshake,
        )
    except InvalidURI as error:  # ours was checked: only a redirect leads to another
        raise NotConnected(f"the server redirects to {error.uri}") from error
    upgraded = opened.upgraded if isinstance(opened, Handshake) else None
    if upgraded is None:
        raise RemoteProtocolError("the server did not upgrade the connection")
    return upgraded
