"""The shared vectors of reconnection advice, which the TypeScript client is tested with too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longwire.client.connection.reconnection import Ended, ReconnectionPolicy
from longwire.client.options import ClientOptions
from longwire.errors import NotConnected
from longwire.reasons import REASONS
from longwire.wire import Closing

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "advice.json").read_text())
CLOSINGS = [case["closing"] for case in VECTORS["cases"] if case["closing"] is not None]


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in VECTORS["cases"]])
def test_advice(case: dict[str, Any]) -> None:
    policy = ReconnectionPolicy(
        ClientOptions(url="http://a"), lambda: case["hasTokenProvider"], lambda: 0.0
    )
    closing = case["closing"]
    advice = None if closing is None else msgspec.convert(closing, Closing)
    delay = policy.next_delay(Ended(NotConnected("gone"), 1.0, advice))
    assert (delay is not None) is case["reconnects"]
    assert delay is None or delay >= case["waitsAtLeast"]


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_every_reason_of_the_server_has_a_case_with_its_advice(reason: Any) -> None:
    advice = {closing["reconnect"] for closing in CLOSINGS if closing["reason"] == reason.code}
    assert advice == {reason.reconnect}
