from __future__ import annotations

import contextlib

import msgspec
import pytest

from longwire.errors import RemoteProtocolError
from longwire.socketio.decoder import IncompletePacket, decode_packet
from longwire.socketio.packet import Connect, Event


def event(wire: str) -> Event:
    packet = decode_packet(wire)
    assert isinstance(packet, Event)
    return packet


def incomplete(wire: str, max_attachment_bytes: int = 4) -> IncompletePacket:
    packet = decode_packet(wire, max_attachment_bytes=max_attachment_bytes)
    assert isinstance(packet, IncompletePacket)
    return packet


def test_arguments_stay_raw_until_they_are_decoded() -> None:
    packet = event('2["a",{"b": 1},[2]]')
    assert [bytes(arg) for arg in packet.args] == [b'{"b": 1}', b"[2]"]
    assert msgspec.json.decode(packet.args[1], type=list[int]) == [2]


def test_auth_stays_raw() -> None:
    packet = decode_packet('0{"token": "x"}')
    assert isinstance(packet, Connect)
    assert packet.data is not None
    assert bytes(packet.data) == b'{"token": "x"}'


def test_attachments_complete_a_packet() -> None:
    packet = incomplete(
        '52-["f",{"_placeholder":true,"num":1},{"a":[{"_placeholder":true,"num":0}]}]'
    )
    assert packet.receive_attachment(b"12") is None
    complete = packet.receive_attachment(b"34")
    assert complete is not None
    assert complete.values() == [b"34", {"a": [b"12"]}]


def test_the_total_size_of_attachments_is_bounded() -> None:
    packet = incomplete('52-["f",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    packet.receive_attachment(b"123")
    with pytest.raises(RemoteProtocolError, match="too large"):
        packet.receive_attachment(b"45")


def test_ten_attachments_are_accepted() -> None:
    args = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))
    packet = incomplete(f'510-["f",{args}]', 10)
    for _ in range(9):
        assert packet.receive_attachment(b"x") is None
    complete = packet.receive_attachment(b"x")
    assert complete is not None
    assert complete.values() == [b"x"] * 10


def test_the_maximum_number_of_attachments_is_an_option() -> None:
    wire = '51-["f",{"_placeholder":true,"num":0}]'
    with pytest.raises(RemoteProtocolError, match="1 attachments"):
        decode_packet(wire, max_attachments=0)


DEEP = 100_000


@pytest.mark.parametrize(
    "wire",
    [
        '2["a",' + "[" * DEEP + "]" * DEEP + "]",
        '2["a",' + '{"a":' * DEEP + "1" + "}" * DEEP + "]",
        '51-["a",' + "[" * DEEP + "]" * DEEP + "]",
        '0{"a":' + "[" * DEEP + "]" * DEEP + "}",
        "30" + "[" * DEEP + "]" * DEEP,
        '4{"x":' + "[" * DEEP + "]" * DEEP + "}",
        '2["\ud800"]',
        '2["a","\ud800"]',
        "2[" + "1" * 1_000_000 + "]",
        "0/" + "n" * 257,
    ],
    ids=lambda wire: wire[:10].encode("utf-8", "replace").decode(),
)
def test_malicious_packets_are_rejected(wire: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_packet(wire)


def deep_values(depth: int) -> list[object]:
    nested = "[" * depth + '{"_placeholder":true,"num":0}' + "]" * depth
    packet = incomplete(f'51-["a",{nested}]').receive_attachment(b"")
    assert packet is not None
    return packet.values()


def test_depth_is_also_bounded_when_attachments_are_inserted() -> None:
    """The maximum depth depends on the version of Python, so both results are possible."""
    assert deep_values(100)
    for depth in (600, 1_200, 2_400):
        with contextlib.suppress(RemoteProtocolError):
            assert deep_values(depth)
    with pytest.raises(RemoteProtocolError):
        deep_values(DEEP)


@pytest.mark.parametrize("number", ["1e999", "1" * 1_000_000])
def test_numbers_that_are_too_large_for_python_raise_when_decoded(number: str) -> None:
    packet = event(f'2["a",{number}]')
    with pytest.raises(RemoteProtocolError, match="invalid argument"):
        packet.values()


def test_keys_of_javascript_prototypes_are_ordinary_keys() -> None:
    assert event('2["a",{"__proto__":1,"constructor":2}]').values() == [
        {"__proto__": 1, "constructor": 2}
    ]
    assert event('2["__proto__"]').name == "__proto__"


def test_the_last_of_two_equal_keys_wins() -> None:
    assert event('2["a",{"b":1,"b":2}]').values() == [{"b": 2}]
