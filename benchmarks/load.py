"""Many Socket.IO clients in one process, which cost less than any server that serves them.

They use raw non-blocking sockets and one epoll. Sent frames are encoded beforehand. Received data
is not decoded; the load counts byte patterns that identify a kind of message.
"""

from __future__ import annotations

import json
import select
import socket
import time

from longwire.websocket.frames import encode_text

MASK = bytes(4)  # clients must mask; a mask of zeros costs no arithmetic
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: bG9uZ3dpcmUncyBiZW5jaA==\r\n\r\n"
)
WAVE = 50  # connections that are opened at the same time
TIMEOUT = 60.0  # seconds for one exchange; a server that needs longer is broken
CHUNK = 16 * 1024  # with a larger size, each `recv` allocates memory from the system
POLL_INTERVAL = 0.0005  # seconds

OPENED = b'0{"sid"'
SIGNED_IN = b'["authenticated"'
ANNOUNCED = b'["announcement"'
ANSWERED = b"437["


def frame(name: str, *arguments: object, answered: bool = False) -> bytes:
    """Return the frame of an event; with `answered`, one that requests an acknowledgement."""
    packet = "427" if answered else "42"
    return encode_text(packet + json.dumps([name, *arguments], separators=(",", ":")), MASK)


def join(room: str) -> bytes:
    """Return the frame that joins a room."""
    return frame("join_room", room, answered=True)


class Crowd:
    """Connections to one server."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}

    @property
    def members(self) -> list[socket.socket]:
        """The connections, oldest first."""
        return list(self._sockets.values())

    def __len__(self) -> int:
        return len(self._sockets)

    def connect(self, count: int) -> list[socket.socket]:
        """Open TCP connections."""
        opened: list[socket.socket] = []
        for _ in range(count):
            member = socket.create_connection(self._address)
            member.setblocking(False)
            member.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._epoll.register(member, select.EPOLLIN)
            self._sockets[member.fileno()] = member
            opened.append(member)
        return opened

    def sign_in(self, count: int, *rooms: str) -> None:
        """Open connections, sign in and join rooms, in waves."""
        token = encode_text('40{"token":"any token"}', MASK)
        for start in range(0, count, WAVE):
            wave = self.connect(min(WAVE, count - start))
            self.exchange(wave, HANDSHAKE, OPENED)
            self.exchange(wave, token, SIGNED_IN)
            for room in rooms:
                self.exchange(wave, join(room), ANSWERED)

    def exchange(self, members: list[socket.socket], data: bytes, answer: bytes) -> None:
        """Send `data` to each of `members`, and wait for as many answers."""
        for member in members:
            member.send(data)
        self.receive(answer, len(members))

    def send(self, data: bytes) -> None:
        """Send to the server on the oldest connection."""
        next(iter(self._sockets.values())).send(data)

    def receive(self, pattern: bytes, count: int) -> int:
        """Read until `pattern` has arrived `count` times in all; return the number of bytes.

        The load polls every `POLL_INTERVAL` instead of sleeping on the sockets, so that the server
        does not spend CPU time on waking it. Real clients run on other machines.
        """
        poll, sockets, overlap = self._epoll.poll, self._sockets, len(pattern) - 1
        deadline = time.monotonic() + TIMEOUT
        tails: dict[int, bytes] = {}
        received = 0
        while count > 0:
            time.sleep(POLL_INTERVAL)
            for fd, _ in poll(0):
                data = sockets[fd].recv(CHUNK)
                if not data:
                    raise ConnectionError("the server closed the connection")
                received += len(data)
                data = tails.get(fd, b"") + data
                count -= data.count(pattern)
                tails[fd] = data[-overlap:]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} more of {pattern!r} expected")
        return received

    def timed(self, stamp: bytes, digits: int, count: int) -> list[float]:
        """Read `count` messages that contain the send time in nanoseconds after `stamp`.

        Returns:
            The delay of each message in seconds.
        """
        poll, sockets, width = self._epoll.poll, self._sockets, len(stamp)
        clock, delays = time.monotonic_ns, list[float]()
        deadline = time.monotonic() + TIMEOUT
        while len(delays) < count and time.monotonic() < deadline:
            for fd, _ in poll(1.0):
                data = sockets[fd].recv(CHUNK)
                now = clock()
                at = data.find(stamp)
                while at >= 0:
                    begin = at + width
                    delays.append((now - int(data[begin : begin + digits])) / 1e9)
                    at = data.find(stamp, begin)
        return delays

    def close(self) -> None:
        """Close all connections."""
        for member in self._sockets.values():
            member.close()
        self._sockets.clear()
        self._epoll.close()
