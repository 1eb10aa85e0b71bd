"""WebSocket sessions directly on an asyncio transport: an idle one has no task and no queue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from longwire.engineio.errors import RequestError
from longwire.prepared import PreparedBatch
from longwire.server.session.session import PACKETS_AT_ONCE, Session
from longwire.server.session.tcp_info import UNKNOWN, Traffic, measure_traffic
from longwire.types import override
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_binary, encode_close, encode_pong, encode_text
from longwire.websocket.messages import Close, Message, Ping, ProtocolViolation

GOING_AWAY = 1001
NORMAL_CLOSURE = 1000

# Unsent bytes that the kernel buffers. By default it buffers megabytes: 1.6 GB for a thousand
# clients that stopped reading, which blocked the whole machine for seconds. Data that waits in the
# log instead can still be merged, and a heartbeat is not queued behind it.
MAX_UNSENT = 128 * 1024


class LaneHost(Protocol):
    """A WebSocket handshake whose transport the ASGI server can hand over.

    The ASGI server provides it in the scope, as `extensions["longwire.lane"]`.
    """

    def accept(self, lane: Lane) -> bytes | None:
        """Make `lane` the protocol of the transport, without an ASGI message.

        Returns:
            The response to the handshake, which the lane has to send; None if the peer has
            disconnected.
        """
        ...

    def refuse(self, error: RequestError) -> None:
        """Respond with an HTTP error, and disconnect."""
        ...


@dataclass(eq=False, repr=False, slots=True)
class Lane(asyncio.Protocol):
    """Passes WebSocket messages between a transport and a session, as the session's `Writer`.

    Reading pauses while the peer sends too fast or does not read.

    Args:
        decoder: decodes received frames; its limit applies to the messages of the peer.
        close_timeout: seconds to wait for the peer's close frame.
    """

    _decoder: FrameDecoder
    _close_timeout: float
    is_direct: bool = False
    stalled: bool = False
    _session: Session | None = None
    _transport: asyncio.Transport | None = None
    _open_lanes: set[Lane] | None = None
    _is_closing: bool = False
    _unhandled: list[Message] | None = None

    def attach(self, session: Session) -> None:
        """Pass messages to `session` from now on."""
        self._session = session

    def open(self, transport: asyncio.BaseTransport, open_lanes: set[Lane]) -> None:
        """Use the transport of an accepted WebSocket; stay in `open_lanes` until it is closed."""
        self._transport = cast("asyncio.Transport", transport)
        self._open_lanes = open_lanes
        open_lanes.add(self)
        _set_socket_options(transport)

    def answer(self, handshake: bytes, messages: Sequence[str | bytes]) -> None:
        """Send the response to the handshake and the first messages in one write."""
        if self._transport is not None:
            self._transport.write(handshake + b"".join(map(_encode_message, messages)))

    # Writer

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages in one write."""
        if self._transport is not None and not self._is_closing:
            self._transport.write(b"".join(map(_encode_message, messages)))

    def write_batch(self, batch: PreparedBatch, with_positions: bool) -> None:
        """Send prepared messages in one write; all members share the bytes."""
        if self._transport is not None and not self._is_closing:
            self._transport.write(batch.frames(with_positions))

    def close(self) -> None:
        """Close the WebSocket after everything that was written."""
        self._close(NORMAL_CLOSURE)

    def traffic(self) -> Traffic:
        """Return the traffic in bytes."""
        return UNKNOWN if self._transport is None else measure_traffic(self._transport)

    def _close(self, code: int, reason: str = "") -> None:
        if self._transport is None or self._is_closing:
            return
        self._is_closing = True
        self._transport.write(encode_close(code, reason))
        asyncio.get_running_loop().call_later(self._close_timeout, self._transport.abort)

    def shutdown(self) -> None:
        """Close because the server stops; the client receives the reason `server_shutdown`."""
        if self._session is not None:
            self._session.shut_down()
        self._close(GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    @override
    def data_received(self, data: bytes) -> None:
        messages = self._decoder.receive_data(data)
        if self._unhandled is None:
            self._handle(messages)
        else:
            self._unhandled += messages

    def _handle(self, messages: list[Message]) -> bool:
        """Handle messages in order; return False if some have to wait for a later turn."""
        delay = 0.0
        for count, message in enumerate(messages, 1):
            if type(message) is not str and type(message) is not bytes:
                self._receive_control(message)
            elif self._session is not None:
                self._session.receive_websocket(self, message)
                delay = self._session.reading_delay()
            if delay or (count == PACKETS_AT_ONCE and count < len(messages)):
                self._unhandled = messages[count:]
                self._pause_reading(delay)
                return False
        return True

    def _receive_control(self, message: Message) -> None:
        match message:
            case Ping(data=payload):
                if self._transport is not None and not self._is_closing:
                    self._transport.write(encode_pong(payload))
            case Close():
                self._close(NORMAL_CLOSURE)
                self._disconnect()
            case ProtocolViolation(code=code, reason=reason):
                self._close(code, reason)
                self._disconnect()
            case _:
                pass

    def _pause_reading(self, delay: float) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
        asyncio.get_running_loop().call_later(delay, self._resume_reading)

    def _resume_reading(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self.stalled:
            return
        delay = 0.0 if self._session is None else self._session.reading_delay()
        if delay:
            asyncio.get_running_loop().call_later(delay, self._resume_reading)
            return
        untaken, self._unhandled = self._unhandled, None
        if (not untaken or self._handle(untaken)) and not transport.is_closing():
            transport.resume_reading()

    def _disconnect(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @override
    def pause_writing(self) -> None:
        """Stop reading while the write buffer is full, so that answers cannot pile up."""
        self.stalled = True
        if self._transport is not None:
            self._transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        self.stalled = False
        self._resume_reading()
        if self._session is not None:
            self._session.receive_drained()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        session, self._session = self._session, None
        if self._open_lanes is not None:
            self._open_lanes.discard(self)
        if session is not None:
            session.receive_websocket_eof(self)


def _encode_message(message: str | bytes) -> bytes:
    return encode_text(message) if isinstance(message, str) else encode_binary(message)


def _set_socket_options(transport: asyncio.BaseTransport) -> None:
    """Disable Nagle's algorithm, and limit what the kernel buffers to `MAX_UNSENT`.

    Nagle's algorithm can delay a small frame by 40 ms. Asyncio disables it only on sockets whose
    protocol was given as TCP, unlike those of `socket.create_server` and uvicorn.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)


def serve_lane(attach: Callable[[Lane], Session | None], host: LaneHost, lane: Lane) -> None:
    """Accept a WebSocket and hand its transport to `lane`, which serves it after this returns.

    Args:
        attach: returns the session of the WebSocket, or None to reject it.
        host: the handshake.
        lane: a new lane.
    """
    answer = host.accept(lane)
    if answer is None:
        return
    session = attach(lane)
    if session is None:
        lane.answer(answer, ())
        lane.close()
    else:
        lane.attach(session)
        lane.answer(answer, session.engine.messages_to_send())
