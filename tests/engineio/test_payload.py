"""Payloads of long-polling."""

from __future__ import annotations

import pytest

from longwire.engineio.event import MessageReceived
from longwire.engineio.payload import split_payload
from longwire.engineio.server import Options, ServerSession
from tests.operations import count_operations


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
def test_a_payload_is_split_into_parts(body: str, parts: list[str]) -> None:
    assert list(split_payload(body, 2)) == parts
    assert "\x1e".join(parts) == body


def received(packet: str, count: int) -> ServerSession:
    session = ServerSession("sid", Options(max_payload=4 * count), "polling", 0.0)
    assert session.receive_payload("\x1e".join([packet] * count), 0.0)
    return session


@pytest.mark.parametrize(
    ("packet", "is_message"),
    [("6", False), ("4", True), ("b", True)],
    ids=["noop", "text", "binary"],
)
def test_half_a_megabyte_of_the_smallest_packets(packet: str, is_message: bool) -> None:
    events = received(packet, 250_000).events()

    assert len(events) == (250_000 if is_message else 0)
    assert all(isinstance(event, MessageReceived) for event in events)


@pytest.mark.parametrize("packet", ["6", "4", "b"], ids=["noop", "text", "binary"])
def test_the_cost_of_a_payload_is_linear_in_the_number_of_packets(packet: str) -> None:
    few = count_operations(lambda: received(packet, 1_000))
    many = count_operations(lambda: received(packet, 4_000))

    assert many < 4.1 * few


def test_a_payload_of_separators_is_rejected_at_the_first_one() -> None:
    session = ServerSession("sid", Options(), "polling", 0.0)
    count = count_operations(lambda: session.receive_payload("\x1e" * 1_000_000, 0.0))

    assert len(session.events()) == 1
    assert count < 1_000
