"""The golden cases of the job fold, which the TypeScript client reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longwire.catalog import CATALOG
from longwire.jobs import JobState, fold
from longwire.schema import Event

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "jobs.json").read_text())


def decode(entry: dict[str, Any]) -> Event:
    event = CATALOG.decode(entry["event"], json.dumps(entry["data"]).encode())
    assert isinstance(event, Event)
    return event


def test_the_initial_state() -> None:
    assert msgspec.to_builtins(JobState.initial("42")) == {**VECTORS["initial"], "output": ()}


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in VECTORS["cases"]])
def test_fold(case: dict[str, Any]) -> None:
    state = JobState.initial("42")
    for entry in case["events"]:
        folded = fold(state, decode(entry))
        assert (folded is state) is entry.get("ignored", False), entry
        state = folded
    assert json.loads(msgspec.json.encode(state)) == {**VECTORS["initial"], **case["state"]}
