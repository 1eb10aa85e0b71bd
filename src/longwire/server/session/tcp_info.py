"""How far a connection's system is with what was written: tells who is slow from who is gone."""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING, NamedTuple

if sys.platform == "linux":
    import fcntl
    import termios

if TYPE_CHECKING:
    import asyncio

# Where Linux (since 4.1) tells in its `struct tcp_info` how many bytes were acknowledged and
# received: two numbers of 64 bits.
_COUNTERS = struct.Struct("=120xQQ")


class Traffic(NamedTuple):
    """What passed through a connection so far; all 0 where nobody can tell.

    Attributes:
        received: what came from the peer, read or not. Never falls.
        unread: what of it was not read.
        taken: what the peer has taken. Never falls.
        waiting: what was written and not taken.
    """

    received: int = 0
    unread: int = 0
    taken: int = 0
    waiting: int = 0


UNKNOWN = Traffic()


def measure_traffic(transport: asyncio.WriteTransport) -> Traffic:
    """Ask the system, in bytes; only Linux knows."""
    connection = transport.get_extra_info("socket")
    if sys.platform != "linux" or connection is None or connection.fileno() < 0:
        return UNKNOWN
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return UNKNOWN
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTERS.size)
    if len(info) < _COUNTERS.size:
        return UNKNOWN
    taken, received = _COUNTERS.unpack(info)
    waiting = transport.get_write_buffer_size() + _count(connection, termios.TIOCOUTQ)
    return Traffic(received, _count(connection, termios.FIONREAD), taken, waiting)


def _count(connection: socket.socket, request: int) -> int:
    """Ask how many bytes were not read (FIONREAD), or not acknowledged by the peer (TIOCOUTQ)."""
    count = bytearray(4)
    fcntl.ioctl(connection.fileno(), request, count)
    return int.from_bytes(count, sys.byteorder)
