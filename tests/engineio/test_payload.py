from __future__ import annotations

import time

import pytest

from longwire.engineio import MessageReceived, Options, ServerSession


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
