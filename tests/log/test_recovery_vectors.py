"""The golden cases of recovery, which the TypeScript client reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.log.merge import Cursor
from longwire.log.publication import Draft
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import RoomLog
from longwire.types import Position

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "recovery.json").read_text())


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", named(VECTORS["cursor"]))
def test_cursor(case: dict[str, Any]) -> None:
    cursor = Cursor(case["epoch"], case["offset"])
    for frame in case["frames"]:
        first, last = frame["first"], frame["last"]
        span = str(last) if first == last else f"{first}-{last}"
        assert frame["position"] == f"{span}@{case['room']}"
        assert cursor.take(first, last).value == frame["verdict"], frame
    assert cursor.position == Position(case["epoch"], case["offsetAfter"])


@pytest.mark.parametrize("case", named(VECTORS["log"]))
def test_log(case: dict[str, Any]) -> None:
    limits = RetentionLimits(max_entries=case.get("maxEntries", 10_000))
    log = RoomLog(case["epoch"], limits)
    for entry in case["entries"]:
        data = json.dumps(entry["data"], separators=(",", ":")).encode()
        log.append(Draft(entry["event"], data, entry.get("slot"), entry.get("concat")), 0)
    for read in case["reads"]:
        since = read["since"] and Position(read["since"]["epoch"], read["since"]["offset"])
        history = log.read(since, limit=read.get("limit", 1_000))
        frames = [
            {"first": p.first, "last": p.last, "event": p.event, "data": json.loads(p.data)}
            for p in history.publications
        ]
        assert history.position == Position(case["epoch"], read["offset"])
        assert history.recovered is read["recovered"]
        assert history.complete is read.get("complete", True)
        assert frames == read["frames"]
