"""The wire vectors of Engine.IO, which the TypeScript tests also read."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from longwire.engineio.errors import RequestError
from longwire.engineio.event import Closed
from longwire.engineio.payload import decode_payload, encode_payload
from longwire.engineio.query import Query, parse_query
from longwire.engineio.server import Options, ServerSession
from longwire.errors import RemoteProtocolError
from longwire.reasons import PARSE_ERROR

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "engineio.json").read_text(encoding="utf-8")
)


def _packets(case: dict[str, Any]) -> list[str | bytes]:
    return [
        packet["text"] if "text" in packet else b64decode(packet["binary"])
        for packet in case["packets"]
    ]


@pytest.mark.parametrize("case", VECTORS["payloads"], ids=lambda case: case["name"])
def test_payloads_are_encoded_and_decoded(case: dict[str, Any]) -> None:
    assert list(decode_payload(case["body"])) == _packets(case)
    assert encode_payload(_packets(case)) == case["body"]


@pytest.mark.parametrize("case", VECTORS["invalid_bodies"], ids=lambda case: case["name"])
def test_an_invalid_payload_closes_the_session(case: dict[str, Any]) -> None:
    session = ServerSession("sid", Options(), "polling", 0.0)
    assert not session.receive_payload(case["body"], 1.0)
    closed = session.events()[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is PARSE_ERROR
    assert isinstance(closed.error, RemoteProtocolError)


@pytest.mark.parametrize("case", VECTORS["handshakes"], ids=lambda case: case["transport"])
def test_the_handshake_has_exactly_the_five_keys(case: dict[str, Any]) -> None:
    session = ServerSession("lv_VI97HAXpY6yYWAAAC", Options(), case["transport"], 0.0)
    if case["transport"] == "polling":
        session.receive_poll(0.0)
        assert session.poll_response(0.0) == case["wire"]
    else:
        assert session.messages_to_send() == [case["wire"]]


@pytest.mark.parametrize("case", VECTORS["queries"])
def test_queries(case: dict[str, Any]) -> None:
    answer = parse_query(
        case["query"],
        method=case.get("method", "GET"),
        websocket=case.get("websocket", False),
    )
    if "accepted" in case:
        assert answer == Query(**case["accepted"])
    else:
        assert isinstance(answer, RequestError)
        assert answer.status == case["error"]["status"]
        assert answer.body.decode() == case["error"]["body"]
