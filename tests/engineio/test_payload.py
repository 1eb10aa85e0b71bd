from __future__ import annotations

import time

import pytest

from longwire.engineio import MessageReceived, Options, ServerSession
from longwire.engineio.payload import split_payload


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", [""]),
        ("4a", ["4a"]),
        ("4a\x1e4b", ["4a\x1e4b"]),
        ("4a\x1e4b\x1e4c", ["4a\x1e4b", "4c"]),
        ("4a\x1e4b\x1e", ["4a\x1e4b", ""]),
        ("\x1e\x1e\x1e", ["\x1e", "\x1e"]),
        ("4a\x1e4b\x1e4c\x1e4d\x1e4e", ["4a\x1e4b", "4c\x1e4d", "4e"]),
    ],
)
def test_a_body_in_parts_says_the_same(body: str, parts: list[str]) -> None:
    assert list(split_payload(body, 2)) == parts
    assert "\x1e".join(parts) == body


@pytest.mark.parametrize(
    ("packet", "heard"), [("6", 0), ("4", 250_000), ("b", 250_000)], ids=["noop", "text", "binary"]
)
def test_half_a_megabyte_of_the_smallest_packets_is_read_in_a_moment(
    packet: str, heard: int
) -> None:
    session = ServerSession("sid", Options(), "polling", 0.0)
    body = "\x1e".join([packet] * 250_000)
    start = time.process_time()
    assert session.receive_payload(body, 0.0)
    assert time.process_time() - start < 3.0
    events = session.events()
    assert len(events) == heard
    assert all(isinstance(event, MessageReceived) for event in events)


def test_a_flood_of_separators_is_refused_at_the_first() -> None:
    session = ServerSession("sid", Options(), "polling", 0.0)
    start = time.process_time()
    assert not session.receive_payload("\x1e" * 1_000_000, 0.0)
    assert time.process_time() - start < 1.0
    assert len(session.events()) == 1
