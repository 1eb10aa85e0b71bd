"""The quality of a connection, by the cases that both clients share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.client import ConnectionQuality
from longwire.client.quality import Measurements, QualityMeter, classify, jitter_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/quality.json").read_text())


def seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


@pytest.mark.parametrize("case", VECTORS["jitter"])
def test_jitter(case: dict[str, Any]) -> None:
    jitter = jitter_of([value / 1000 for value in case["roundTripsMs"]])
    assert jitter == (None if case["jitterMs"] is None else pytest.approx(case["jitterMs"] / 1000))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_quality_at_one_moment(case: dict[str, Any]) -> None:
    measured = Measurements(
        is_connected=case["connected"],
        round_trip=seconds(case.get("roundTripMs")),
        jitter=seconds(case.get("jitterMs")),
        missed=case.get("missed", 0),
        reconnected=seconds(case.get("reconnectedMs")),
    )
    assert classify(measured) == case["quality"]


@pytest.mark.parametrize("series", VECTORS["series"], ids=lambda series: series["name"])
def test_the_quality_over_time(series: dict[str, Any]) -> None:
    meter = QualityMeter()
    for step in series["steps"]:
        shown = meter.update(ConnectionQuality(step["current"]), step["atMs"] / 1000)
        assert shown == step["shown"], step
