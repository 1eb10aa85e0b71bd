"""A server that sends pre-encoded frames to one client."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Self

from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_text
from longwire.websocket.handshake import encode_response

OPEN = {
    "sid": "session",
    "upgrades": [],
    "pingInterval": 300_000,
    "pingTimeout": 20_000,
    "maxPayload": 1_000_000,
}
ROOM = "job:1"


def progress(offset: int, *, positions: bool) -> bytes:
    """Return the frame of an event of about 170 bytes, as a server sends it."""
    payload = {
        "timestamp": 1_700_000_000_000 + offset,
        "jobId": "1",
        "progress": offset % 1000 / 10,
        "currentStep": "reading the sources that were found, one by one, and taking notes",
    }
    place = [f"{offset}@{ROOM}"] if positions else []
    return encode_text("42" + json.dumps(["job:progress", payload, *place], separators=(",", ":")))


class Feeder:
    """Accepts one client and sends frames to it; for use in a `with` block."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self.port: int = self._listener.getsockname()[1]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.close()
        self._listener.close()

    def accept(self, *, positions: bool) -> None:
        """Accept the client and sign it in; with `positions`, wait until it has joined the room."""
        self._client, _ = self._listener.accept()
        self._client.settimeout(30)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = FrameDecoder("server")
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._client.recv(65536)
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        assert key is not None
        self._client.sendall(encode_response(key[1]) + encode_text("0" + json.dumps(OPEN)))
        while not self._answer(positions=positions):
            pass

    def _answer(self, *, positions: bool) -> bool:
        """Respond to received packets; return True once the client is ready."""
        for message in self._decoder.receive_data(self._client.recv(65536)):
            assert isinstance(message, str), message
            if message.startswith("40"):
                rooms = {"userId": "any-user", "rooms": []}
                self._send('40{"sid":"socket"}')
                self._send("42" + json.dumps(["authenticated", rooms]))
                if not positions:
                    return True
            joined = re.match(r'42(\d+)\["join_room","([^"]+)"', message)
            if joined is not None:
                place = {"ok": True, "room": joined[2], "epoch": "e", "offset": 0}
                self._send(f"43{joined[1]}" + json.dumps([{**place, "recovered": False}]))
                if joined[2] == ROOM:
                    return True
        return False

    def _send(self, packet: str) -> None:
        self._client.sendall(encode_text(packet))

    def pace(self, frames: list[bytes], rate: float) -> None:
        """Send the frames at `rate` frames per second."""
        start, clock, send = time.monotonic(), time.monotonic, self._client.sendall
        for number, frame in enumerate(frames):
            due = start + number / rate
            while clock() < due:
                pass
            send(frame)

    def burst(self, frames: list[bytes]) -> None:
        """Send all frames as fast as the client reads them."""
        self._client.sendall(b"".join(frames))
