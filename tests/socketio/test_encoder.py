from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from longwire.errors import LocalProtocolError
from longwire.socketio.encoder import (
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)
from longwire.socketio.packet import RESERVED_EVENTS


class Picture(msgspec.Struct):
    name: str
    pixels: bytes = b""
    meta: msgspec.Raw = msgspec.Raw(b"{}")


class Point(msgspec.Struct):
    x: int


@dataclass
class Sound:
    samples: bytes


def test_structs_and_raw_json_are_valid_arguments() -> None:
    args = [Point(1), msgspec.Raw(b'{"a":1}'), datetime(2026, 1, 2, tzinfo=UTC), {1}, None]
    assert encode_event("/", "e", args) == (
        '2["e",{"x":1},{"a":1},"2026-01-02T00:00:00Z",[1],null]',
        [],
    )


@pytest.mark.parametrize("data", [b"\x01", bytearray(b"\x01"), memoryview(b"\x01")])
def test_every_type_of_binary_data_is_extracted(data: object) -> None:
    assert encode_event("/", "e", [{"a": [1, (data,)]}], 0) == (
        '51-0["e",{"a":[1,[{"_placeholder":true,"num":0}]]}]',
        [b"\x01"],
    )
    assert encode_ack("/n", 7, [data, "x"]) == (
        '61-/n,7[{"_placeholder":true,"num":0},"x"]',
        [b"\x01"],
    )


def test_binary_fields_of_structs_and_dataclasses_are_extracted() -> None:
    picture = Picture("a", b"\x01", msgspec.Raw(b'{"k":1}'))
    assert encode_event("/", "e", [picture, Sound(b"\x02"), Point(3)]) == (
        (
            '52-["e",{"name":"a","pixels":{"_placeholder":true,"num":0},"meta":{"k":1}},'
            '{"samples":{"_placeholder":true,"num":1}},{"x":3}]'
        ),
        [b"\x01", b"\x02"],
    )


def test_the_arguments_are_not_modified() -> None:
    argument: dict[str, Any] = {"a": [b"\x01"]}
    encode_event("/", "e", [argument])
    assert argument == {"a": [b"\x01"]}


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_reserved_names_are_rejected(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="reserved"):
        encode_event("/", name, [])


def _nested(depth: int, innermost: object) -> object:
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "argument",
    [object(), "\ud800", _nested(100_000, 1), _nested(100_000, b""), {object(): 1}, [1, object()]],
    ids=["object", "surrogate", "deep", "deep binary", "key", "object inside"],
)
def test_values_that_cannot_be_encoded_are_rejected(argument: object) -> None:
    with pytest.raises(LocalProtocolError, match="cannot encode the packet"):
        encode_event("/", "e", [argument])
    with pytest.raises(LocalProtocolError, match="cannot encode the packet"):
        encode_ack("/", 0, [argument])
    with pytest.raises(LocalProtocolError, match="cannot encode the packet"):
        encode_connect_error("/", "no", {"x": argument})


@pytest.mark.parametrize("namespace", ["", "admin", "/a,b"])
def test_invalid_namespaces_are_rejected(namespace: str) -> None:
    with pytest.raises(LocalProtocolError, match="must start with /"):
        encode_disconnect(namespace)


@pytest.mark.parametrize("data", [[], "x", 1])
def test_the_payload_of_connect_must_be_an_object(data: object) -> None:
    with pytest.raises(LocalProtocolError, match="JSON object"):
        encode_connect("/", data)


def test_the_payload_of_connect_may_be_a_struct() -> None:
    assert encode_connect("/", Point(1)) == '0{"x":1}'
