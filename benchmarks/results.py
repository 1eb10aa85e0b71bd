"""The results of a scenario: best rounds, ratios, and whether Longwire meets its bars."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.scenario import Figures, Scenario

COLUMNS = {
    "cpu_us": "µs CPU",
    "user_us": "user",
    "burst_us": "in bursts",
    "cpu_ms": "ms CPU",
    "kilobytes": "kB",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "wall_ms": "ms",
    "bytes": "bytes",
    "per_second": "a second",
    "load_us": "load µs",
}
"""The columns of tables, in order."""


class Results:
    """The figures of one scenario in all rounds."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rounds: dict[str, list[Figures]] = {}

    def add(self, peer: str, figures: Figures) -> None:
        """Add the figures of a peer's round."""
        self.rounds.setdefault(peer, []).append(figures)

    def best(self) -> dict[str, Figures]:
        """Return the figures of each peer's best round; other processes can only increase them."""
        key = self.scenario.key
        return {
            peer: min(rounds, key=lambda figures: figures[key])
            for peer, rounds in self.rounds.items()
        }

    def ratios(self) -> dict[str, float]:
        """Return the first peer's figure divided by that of each other peer."""
        key = self.scenario.key
        (_, ours), *others = self.best().items()
        return {peer: ours[key] / figures[key] for peer, figures in others}

    def table(self) -> str:
        """Return a table of the figures and the bars."""
        best, ratios = self.best(), self.ratios()
        keys = [key for key in COLUMNS if any(key in figures for figures in best.values())]
        heads = "".join(f"{COLUMNS[key]:>11}" for key in keys)
        lines = [f"{self.scenario.title} ({self.scenario.unit})", f"{'':18}{heads}   we / it"]
        for peer, figures in best.items():
            cells = "".join(f"{_number(figures.get(key)):>11}" for key in keys)
            lines.append(f"{peer:18}{cells}{self._verdict(peer, ratios.get(peer))}")
        return "\n".join([*lines, *self._limit_of_load()])

    def _limit_of_load(self) -> list[str]:
        """Return the capacity of the load, and the highest rate that it received."""
        figures = [f for f in self.best().values() if "load_us" in f]
        if not figures:
            return []
        limit = 1e6 / min(f["load_us"] for f in figures)
        most = max(f["per_second"] for f in figures)
        return [f"the load can receive {limit:,.0f} a second; the fastest server sent {most:,.0f}"]

    def _verdict(self, peer: str, ratio: float | None) -> str:
        if ratio is None:
            return ""
        bar = self.scenario.bars.get(peer)
        if bar is None:
            return f"{ratio:10.3f}"
        return f"{ratio:10.3f}  {'≤' if ratio <= bar else 'MISSES'} {bar}"

    def to_json(self) -> str:
        """Return all results, and the machine that they were measured on."""
        content = {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "unit": self.scenario.unit,
            "figure": self.scenario.key,
            "machine": {
                "cores": os.cpu_count(),
                "kernel": platform.release(),
                "python": platform.python_version(),
            },
            "best": self.best(),
            "ratios": self.ratios(),
            "bars": dict(self.scenario.bars),
            "rounds": self.rounds,
        }
        return json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
