from __future__ import annotations

import pytest

from longwire.engineio.handshake import Handshake, decode_open, encode_open
from longwire.errors import RemoteProtocolError


def test_a_handshake_is_encoded_and_decoded() -> None:
    handshake = Handshake("s", ("websocket",), 300, 200, 1_000_000)
    wire = (
        '0{"sid":"s","upgrades":["websocket"],'
        '"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}'
    )
    assert encode_open(handshake) == wire
    assert decode_open(wire) == handshake


def test_max_payload_is_optional_and_unknown_keys_are_ignored() -> None:
    wire = '0{"sid":"s","upgrades":[],"pingInterval":300,"pingTimeout":200,"x":[{}]}'
    assert decode_open(wire) == Handshake("s", (), 300, 200, 1_000_000)


@pytest.mark.parametrize(
    "wire",
    [
        "0",
        "0[]",
        "0{}",
        '0{"sid":"","upgrades":[],"pingInterval":300,"pingTimeout":200}',
        '0{"sid":"s","upgrades":[],"pingInterval":0,"pingTimeout":200}',
        '0{"sid":"s","upgrades":[],"pingInterval":300,"pingTimeout":-1}',
        '0{"sid":"s","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":0}',
        '0{"sid":"s","upgrades":[],"pingInterval":1e99,"pingTimeout":200}',
        '0{"sid":1,"upgrades":[],"pingInterval":300,"pingTimeout":200}',
        '0{"x":' + "[" * 100_000,
        '0{"sid":"\ud800"}',
    ],
)
def test_an_invalid_handshake_is_rejected(wire: str) -> None:
    with pytest.raises(RemoteProtocolError, match="invalid handshake"):
        decode_open(wire)
