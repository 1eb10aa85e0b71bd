"""The cost of received data is linear in its size, whatever it contains."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import pytest

from longwire.connection.connection import Connection, ConnectionOptions
from longwire.engineio.server import Options, ServerSession
from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_binary, encode_text

SIZE = 50_000
# Four times the size takes four times as long; quadratic work would take sixteen times as long.
TIMES = 4
AT_MOST = 10
MASK = b"\x01\x02\x03\x04"
LARGE = Options(max_payload=100 * SIZE)


def fragments(size: int) -> bytes:
    """Return an unfinished text message in fragments of one byte."""
    first = encode_text("x", MASK)
    rest = encode_binary(b"x", MASK)
    return bytes([first[0] & 0x7F]) + first[1:] + (b"\x00" + rest[1:]) * (size // 7)


BODIES: dict[str, Callable[[int], str]] = {
    "separators": lambda size: "\x1e" * size,
    "the smallest packets": lambda size: "\x1e".join(["6"] * (size // 2)),
    "events": lambda size: "\x1e".join(["40", *['42["x"]'] * (size // 8)]),
    "base64": lambda size: "40\x1eb" + "A" * size,
    "digits of an ack": lambda size: "40\x1e42" + "9" * size + '["x"]',
    "digits of attachments": lambda size: "40\x1e45" + "9" * size + '-["x"]',
    "a namespace": lambda size: "40/" + "x" * size + ",",
    "namespaces": lambda size: "\x1e".join(["40", *["40/x,"] * (size // 6)]),
    "depth": lambda size: "40\x1e42" + "[" * size,
    "digits of a number": lambda size: '40\x1e42["x",' + "9" * size + "]",
    "a name": lambda size: '40\x1e42["' + "x" * size + '"]',
    "arguments": lambda size: '40\x1e42["x"' + ",1" * (size // 2) + "]",
    "escapes": lambda size: '40\x1e42["' + "\\u0000" * (size // 6) + '"]',
    "spaces": lambda size: "40\x1e42[" + " " * size + '"x"]',
    "placeholders": lambda size: (
        '40\x1e451-["x"' + ',{"_placeholder":true,"num":0}' * (size // 30) + "]"
    ),
    "an auth payload": lambda size: '40{"token":"' + "x" * size + '"}',
}
STREAMS: dict[str, Callable[[int], list[bytes]]] = {
    "fragments": lambda size: [fragments(size)],
    "fragments one by one": lambda size: [b"", *map(bytes, zip(fragments(size), strict=True))],
    "small frames": lambda size: [encode_text("x", MASK) * (size // 7)],
    "pings": lambda size: [b"\x89\x80" + MASK * 1 + b""] * (size // 6),
    "a large frame in small pieces": lambda size: pieces(encode_text("x" * size, MASK), 10),
}


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def seconds(work: Callable[[], object]) -> float:
    """Return the minimum CPU time of three runs: other work of the machine only adds to it."""
    taken: list[float] = []
    for _ in range(3):
        start = process_time()
        work()
        taken.append(process_time() - start)
    return min(taken)


def assert_linear(work: Callable[[int], Callable[[], object]]) -> None:
    once, more = seconds(work(SIZE)), seconds(work(SIZE * TIMES))
    assert more <= max(once * AT_MOST, 0.02), (once, more)


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_a_request_body(kind: str) -> None:
    def work(size: int) -> Callable[[], object]:
        body = BODIES[kind](size)

        def read() -> None:
            session = ServerSession("sid", LARGE, "polling", 0.0)
            connection = Connection.server(session, ConnectionOptions(), 0.0)
            session.receive_post_open(0.0)
            session.receive_payload(body, 0.0)
            while connection.events():
                pass

        return read

    assert_linear(work)


@pytest.mark.parametrize("kind", sorted(STREAMS))
def test_a_stream_of_frames(kind: str) -> None:
    def work(size: int) -> Callable[[], object]:
        chunks = STREAMS[kind](size)

        def read() -> None:
            decoder = FrameDecoder("server", LARGE.max_payload)
            for chunk in chunks:
                decoder.receive_data(chunk)

        return read

    assert_linear(work)
