"""WebSocket straight on the transport: no task, no queue, no copy for an idle connection."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Protocol, cast

from longwire.server.session.session import PACKETS_AT_ONCE
from longwire.server.session.tcp_info import UNKNOWN, Traffic, measure_traffic
from longwire.types import override
from longwire.websocket import (
    Close,
    FrameDecoder,
    Message,
    Ping,
    ProtocolViolation,
    encode_binary,
    encode_close,
    encode_pong,
    encode_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.prepared import PreparedBatch
    from longwire.server.session.session import Session

GOING_AWAY = 1001
NORMAL_CLOSURE = 1000

# Bytes that the system takes in beyond what is on its way to the peer. By default it takes
# megabytes: of a thousand readers that stop, 1.6 GB, for which everybody on the machine waited
# seconds. What waits here instead can still be merged, and heartbeats do not stand behind it.
MAX_UNSENT = 128 * 1024


class LaneHost(Protocol):
    """A WebSocket that waits for an answer, and whose transport the ASGI server would give away.

    The server offers itself in the scope as `extensions["longwire.lane"]`.
    """

    def accept(self, lane: Lane) -> bytes | None:
        """Accept the WebSocket, past ASGI, with `lane` as the protocol of its transport.

        Returns:
            The answer to the handshake, for the lane to write; None if the peer is gone already.
        """
        ...

    def refuse(self, status: int, body: bytes) -> None:
        """Answer with an HTTP error, whose body is JSON, and hang up."""
        ...


class Lane(asyncio.Protocol):
    """Feeds a session from a transport, and the transport from the session.

    Also the session's `Writer`. Reading pauses while the peer sends faster than it may.
    """

    __slots__ = (
        "_close_timeout",
        "_decoder",
        "_is_closing",
        "_open_lanes",
        "_session",
        "_transport",
        "_untaken",
        "is_direct",
        "stalled",
    )

    def __init__(self, max_message: int, close_timeout: float) -> None:
        self.is_direct = False
        self.stalled = False
        self._decoder = FrameDecoder("server", max_message)
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None
        self._open_lanes: set[Lane] | None = None
        self._is_closing = False
        self._close_timeout = close_timeout
        self._untaken: list[Message] | None = None

    def attach(self, session: Session) -> None:
        """Belong to `session` from now on."""
        self._session = session

    def open(self, transport: asyncio.BaseTransport, open_lanes: set[Lane]) -> None:
        """Take over an accepted WebSocket's transport; be one of `open_lanes` until it is gone."""
        self._transport = cast("asyncio.Transport", transport)
        self._open_lanes = open_lanes
        open_lanes.add(self)
        _send_soon(transport)

    def answer(self, handshake: bytes, messages: Sequence[str | bytes]) -> None:
        """Write the answer to the handshake and the first messages, all in one write."""
        if self._transport is not None:
            self._transport.write(handshake + b"".join(map(_encode_message, messages)))

    # Writer

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages, all in one write."""
        if self._transport is not None and not self._is_closing:
            self._transport.write(b"".join(map(_encode_message, messages)))

    def write_batch(self, batch: PreparedBatch, positions: bool) -> None:
        """Send prepared messages in one write of shared bytes."""
        if self._transport is not None and not self._is_closing:
            self._transport.write(batch.frames(positions))

    def close(self) -> None:
        """Close the WebSocket after everything that was written."""
        self._close(NORMAL_CLOSURE)

    def traffic(self) -> Traffic:
        """Return what passed so far, in bytes."""
        return UNKNOWN if self._transport is None else measure_traffic(self._transport)

    def _close(self, code: int, reason: str = "") -> None:
        if self._transport is None or self._is_closing:
            return
        self._is_closing = True
        self._transport.write(encode_close(code, reason))
        asyncio.get_running_loop().call_later(self._close_timeout, self._transport.abort)

    def shutdown(self) -> None:
        """Close because the server stops, after telling the client to come back."""
        if self._session is not None:
            self._session.shut_down()
        self._close(GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes from the peer."""
        messages = self._decoder.receive_data(data)
        if self._untaken is None:
            self._take(messages)
        else:
            self._untaken += messages

    def _take(self, messages: list[Message]) -> bool:
        """Take messages in order, as many as this turn may; False if others are left for later."""
        delay = 0.0
        for count, message in enumerate(messages, 1):
            if type(message) is not str and type(message) is not bytes:
                self._receive_control(message)
            elif self._session is not None:
                self._session.receive_websocket(self, message)
                delay = self._session.reading_delay()
            if delay or (count == PACKETS_AT_ONCE and count < len(messages)):
                self._untaken = messages[count:]
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
                self._hang_up()
            case ProtocolViolation(code=code, reason=reason):
                self._close(code, reason)
                self._hang_up()
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
        untaken, self._untaken = self._untaken, None
        if (not untaken or self._take(untaken)) and not transport.is_closing():
            transport.resume_reading()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @override
    def pause_writing(self) -> None:
        """Learn that the transport is full: who does not read is not heard."""
        self.stalled = True
        if self._transport is not None:
            self._transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        """Learn that the transport takes data again."""
        self.stalled = False
        self._resume_reading()
        if self._session is not None:
            self._session.receive_drained()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the transport is gone."""
        self._transport = None
        session, self._session = self._session, None
        if self._open_lanes is not None:
            self._open_lanes.discard(self)
        if session is not None:
            session.receive_websocket_eof(self)


def _encode_message(message: str | bytes) -> bytes:
    return encode_text(message) if isinstance(message, str) else encode_binary(message)


def _send_soon(transport: asyncio.BaseTransport) -> None:
    """Let the system neither hold small frames back nor pile up what cannot be sent yet.

    Nagle's algorithm would hold a small frame back for 40 ms. Asyncio turns it off too, but not on
    what a socket accepts that was made without naming TCP, as `socket.create_server` and uvicorn
    make theirs.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)


def serve_lane(
    attach: Callable[[Lane], Session | None],
    host: LaneHost,
    max_message: int,
    close_timeout: float,
) -> None:
    """Accept a WebSocket and leave it to a lane, which goes on when this returns.

    `attach` gives the session that it belongs to, or None to refuse it.
    """
    lane = Lane(max_message, close_timeout)
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
