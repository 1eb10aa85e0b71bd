"""A pair of asyncio transports in memory: each delivers what the other writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from longwire.types import override

# As in asyncio: how much it reads from a socket at once, and its default write buffer limit.
CHUNK = 256 * 1024
HIGH_WATER = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """One end of a connection. Written data arrives in order, and never within `write`.

    Args:
        is_frozen: returns whether delivery is stopped; then not even a close arrives.
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
        self._is_closed = False
        self._is_scheduled = False

    @classmethod
    def pair(cls, is_frozen: Callable[[], bool]) -> tuple[MemoryTransport, MemoryTransport]:
        """Return both ends. Set their protocols before the event loop runs again."""
        one, other = cls(is_frozen), cls(is_frozen)
        one._other, other._other = other, one
        return one, other

    # Writing

    @override
    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send data; ignored once the transport is closing."""
        if self._is_closing:
            return
        self._outgoing += data
        if len(self._outgoing) > self._high and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()
        self.schedule()

    @override
    def can_write_eof(self) -> bool:
        """Return False: both directions close together."""
        return False

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    @override
    def get_write_buffer_size(self) -> int:
        return len(self._outgoing)

    # Reading

    @override
    def is_reading(self) -> bool:
        return self._is_reading and not self._is_closing

    @override
    def pause_reading(self) -> None:
        self._is_reading = False

    @override
    def resume_reading(self) -> None:
        self._is_reading = True
        self._other.schedule()

    # Ending

    @override
    def is_closing(self) -> bool:
        return self._is_closing

    @override
    def close(self) -> None:
        """Close after everything written has been delivered."""
        self._is_closing = True
        self.schedule()

    @override
    def abort(self) -> None:
        """Close at once, drop undelivered data, and close the other end."""
        if not self._is_closed:
            self._outgoing.clear()
            self._end(None)
            self.schedule()

    def cut(self) -> None:
        """Reset the connection: both ends lose undelivered data and get an error."""
        for end in (self, self._other):
            end._outgoing.clear()
            end._end(ConnectionResetError("the connection was cut"))

    def release(self) -> None:
        """Deliver what was held back while the connection was frozen."""
        self.schedule()
        self._other.schedule()

    # Protocol

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    # Delivery

    def schedule(self) -> None:
        """Deliver waiting data in a later callback, unless delivery is held back."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._advance)

    def _advance(self) -> None:
        self._is_scheduled = False
        if self._is_frozen():
            return
        other = self._other
        if self._is_closed or other._is_closed:
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
        if not self._is_closed:
            self._protocol.eof_received()
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self._is_closing = True
        if not self._is_closed:
            self._is_closed = True
            self._loop.call_soon(self._protocol.connection_lost, error)
