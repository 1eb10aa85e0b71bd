"""A connection in memory: two transports, each of which hands on what the other writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

# What asyncio reads from a socket at once, and the most that it lets wait by default.
CHUNK = 256 * 1024
HIGH_WATER = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """One end. What is written arrives later, never within the call, in order.

    Args:
        is_frozen: whether the connection lets nothing through now, not even its end.
    """

    def __init__(self, is_frozen: Callable[[], bool]) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._is_frozen = is_frozen
        self._protocol: asyncio.Protocol
        self._other: MemoryTransport
        self._outgoing = bytearray()
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        self._is_reading = True
        self._is_full = False
        self._is_closing = False
        self._is_over = False
        self._is_scheduled = False

    @classmethod
    def pair(cls, is_frozen: Callable[[], bool]) -> tuple[MemoryTransport, MemoryTransport]:
        """Return both ends; each needs a protocol before the loop goes on."""
        one, other = cls(is_frozen), cls(is_frozen)
        one._other, other._other = other, one
        return one, other

    # Writing

    @override
    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send, in order; ignored once it is closing."""
        if self._is_closing:
            return
        self._outgoing += data
        if len(self._outgoing) > self._high and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()
        self.schedule()

    @override
    def can_write_eof(self) -> bool:
        """Both directions end together."""
        return False

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol is told to pause and to go on."""
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high limit."""
        return self._low, self._high

    @override
    def get_write_buffer_size(self) -> int:
        """Return what the other end has not read."""
        return len(self._outgoing)

    # Reading

    @override
    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return self._is_reading and not self._is_closing

    @override
    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._is_reading = False

    @override
    def resume_reading(self) -> None:
        """Hand on what comes."""
        self._is_reading = True
        self._other.schedule()

    # Ending

    @override
    def is_closing(self) -> bool:
        """Whether it is closing or over."""
        return self._is_closing

    @override
    def close(self) -> None:
        """End after what was written has arrived."""
        self._is_closing = True
        self.schedule()

    @override
    def abort(self) -> None:
        """End at once; what was not read yet is lost, and the other end learns of it."""
        if not self._is_over:
            self._outgoing.clear()
            self._end(None)
            self.schedule()

    def cut(self) -> None:
        """End both ends at once, as a network does that resets the connection."""
        for end in (self, self._other):
            end._outgoing.clear()
            end._end(ConnectionResetError("the connection was cut"))

    def release(self) -> None:
        """Hand on what waited while the connection was frozen."""
        self.schedule()
        self._other.schedule()

    # What asyncio asks for beside that

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand on to `protocol` from now on."""
        self._protocol = cast("asyncio.Protocol", protocol)

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is handed what comes."""
        return self._protocol

    # Handing on

    def schedule(self) -> None:
        """See that what waits is handed on, if it can be."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._hand_on)

    def _hand_on(self) -> None:
        self._is_scheduled = False
        if self._is_frozen():
            return
        other = self._other
        if self._is_over or other._is_over:
            other._receive_eof()
            self._end(None)
        elif self._outgoing:
            if other._is_reading:
                self._deliver(other)
        elif self._is_closing:
            self._end(None)
            other._receive_eof()

    def _deliver(self, other: MemoryTransport) -> None:
        data = bytes(self._outgoing[:CHUNK])
        del self._outgoing[:CHUNK]
        if self._outgoing or self._is_closing:
            self.schedule()
        if self._is_full and len(self._outgoing) <= self._low:
            self._is_full = False
            self._protocol.resume_writing()
        other._protocol.data_received(data)

    def _receive_eof(self) -> None:
        if not self._is_over:
            self._protocol.eof_received()
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self._is_closing = True
        if not self._is_over:
            self._is_over = True
            self._loop.call_soon(self._protocol.connection_lost, error)
