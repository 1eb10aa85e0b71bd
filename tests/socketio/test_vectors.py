"""The wire vectors of Socket.IO, which the TypeScript tests also read."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longwire.errors import RemoteProtocolError
from longwire.socketio.decoder import IncompletePacket, decode_packet
from longwire.socketio.encoder import (
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)
from longwire.socketio.packet import Ack, Connect, ConnectError, Disconnect, Event, Packet

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "socketio.json").read_text(encoding="utf-8")
)


def _wire(case: dict[str, Any]) -> str:
    wire: str = case["wire"]
    return wire


def _with_binary(value: Any) -> Any:
    """Replace `{"$binary": base64}` of the vectors by bytes."""
    if isinstance(value, list):
        return [_with_binary(item) for item in value]
    if isinstance(value, dict):
        if "$binary" in value:
            return b64decode(value["$binary"])
        return {key: _with_binary(item) for key, item in value.items()}
    return value


def _decode(case: dict[str, Any]) -> Packet:
    packet = decode_packet(case["wire"])
    for attachment in case.get("attachments", ()):
        assert isinstance(packet, IncompletePacket)
        assert packet.namespace == case["namespace"]
        packet = packet.receive_attachment(b64decode(attachment)) or packet
    assert not isinstance(packet, IncompletePacket)
    return packet


def _fields(packet: Packet) -> dict[str, Any]:
    """Convert a packet to the format of the vectors."""
    namespace = packet.namespace
    fields: dict[str, Any]
    match packet:
        case Connect(_, data):
            fields = {"type": "connect", "data": data and msgspec.json.decode(data)}
        case Disconnect():
            fields = {"type": "disconnect"}
        case ConnectError(_, message):
            fields = {"type": "connect_error", "message": message, "data": packet.value()}
        case Event(_, name, ack_id=ack_id):
            fields = {"type": "event", "items": [name, *packet.values()], "id": ack_id}
        case Ack(_, ack_id):
            fields = {"type": "ack", "items": packet.values(), "id": ack_id}
    present = {key: value for key, value in fields.items() if value is not None}
    return {"namespace": namespace, **present}


def _encode(case: dict[str, Any]) -> tuple[str, list[bytes]]:
    namespace, items = case["namespace"], _with_binary(case.get("items"))
    match case["type"]:
        case "connect":
            return encode_connect(namespace, case.get("data")), []
        case "disconnect":
            return encode_disconnect(namespace), []
        case "connect_error":
            return encode_connect_error(namespace, case["message"], case.get("data")), []
        case "event":
            text, attachments = encode_event(namespace, items[0], items[1:], case.get("id"))
        case _:
            text, attachments = encode_ack(namespace, case["id"], items)
    return text, list(attachments)


@pytest.mark.parametrize("case", VECTORS["packets"], ids=_wire)
def test_packets_are_decoded(case: dict[str, Any]) -> None:
    expected = {k: _with_binary(v) for k, v in case.items() if k not in ("wire", "attachments")}
    assert _fields(_decode(case)) == expected


@pytest.mark.parametrize("case", VECTORS["packets"], ids=_wire)
def test_packets_are_encoded(case: dict[str, Any]) -> None:
    attachments = [b64decode(data) for data in case.get("attachments", ())]
    assert _encode(case) == (case["wire"], attachments)


@pytest.mark.parametrize("case", VECTORS["readable"], ids=_wire)
def test_packets_in_other_valid_encodings_are_decoded(case: dict[str, Any]) -> None:
    assert _fields(_decode(case)) == _fields(_decode({"wire": case["as"]}))


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=_wire)
def test_invalid_packets_are_rejected(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_packet(case["wire"])
