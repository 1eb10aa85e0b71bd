"""How many bytes of a connection the system has sent, received and had acknowledged."""

import socket
import struct
import sys
from typing import NamedTuple

if sys.platform == "linux":
    import fcntl
    import termios

import asyncio

# `tcpi_bytes_acked` and `tcpi_bytes_received` of `struct tcp_info` (Linux 4.1 and later): two
# 64-bit numbers.
_COUNTERS = struct.Struct("=120xQQ")


class Traffic(NamedTuple):
    """The amount of data that has passed through a connection; all 0 if it is unknown.

    Attributes:
        received: received from the peer, read here or not. Never decreases.
        unread: the part of it that is not read yet.
        taken: acknowledged by the peer. Never decreases.
        waiting: written but not acknowledged.
    """

    received: int = 0
    unread: int = 0
    taken: int = 0
    waiting: int = 0


UNKNOWN = Traffic()


def measure_traffic(transport: asyncio.WriteTransport) -> Traffic:
    """Return a connection's traffic in bytes; known on Linux only."""
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
    """Return the bytes that are not read (FIONREAD), or not acknowledged (TIOCOUTQ)."""
    count = bytearray(4)
    fcntl.ioctl(connection.fileno(), request, count)
    return int.from_bytes(count, sys.byteorder)
