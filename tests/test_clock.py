"""The clock of the library."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest

from longwire.clock import clock, wall_time

SOURCE = Path(__file__).resolve().parents[1] / "src/longwire"
PARTS = ("broker", "client", "jobs", "server", "sync")


def test_it_is_the_time_of_the_system_until_a_test_replaces_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert clock.monotonic is time.monotonic
    assert clock.time is time.time

    monkeypatch.setattr(clock, "time", lambda: 42.0)

    assert wall_time() == 42.0


@pytest.mark.parametrize("part", PARTS)
def test_no_other_module_reads_the_time(part: str) -> None:
    readers = [
        path.name
        for path in (SOURCE / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Import) and "time" in [name.name for name in node.names])
        or (isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"))
    ]

    assert readers == [], "use longwire.clock or the event loop, which tests can control"
