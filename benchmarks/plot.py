"""Draws bar charts as SVG: one bar for each peer, Longwire's first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.results import Results

WIDTH, ROW, LEFT, RIGHT, TOP = 680, 34, 150, 120, 46
OURS, OTHERS, INK, FAINT = "#2563eb", "#94a3b8", "#0f172a", "#64748b"


def plot(results: Results) -> str:
    """Draw the compared figure."""
    scenario, ratios = results.scenario, results.ratios()
    values = {peer: figures[scenario.key] for peer, figures in results.best().items()}
    height = TOP + ROW * len(values) + 8
    scale = (WIDTH - LEFT - RIGHT) / max(values.values())
    rows = [
        _row(number, peer, value, value * scale, ratios.get(peer))
        for number, (peer, value) in enumerate(values.items())
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    title = (
        f'<text x="8" y="22" font-size="15" font-weight="600">{escape(scenario.title)}'
        f'<tspan fill="{FAINT}" font-weight="400" dx="8">{escape(scenario.unit)}</tspan></text>'
    )
    return "\n".join([head, ground, title, *rows, "</svg>\n"])


def _row(number: int, peer: str, value: float, length: float, ratio: float | None) -> str:
    top, colour = TOP + ROW * number, OTHERS if number else OURS
    note = "" if ratio is None else f"  (Longwire: {ratio:.2f} of it)"
    return (
        f'<text x="{LEFT - 8}" y="{top + 17}" text-anchor="end">{escape(peer)}</text>'
        f'<rect x="{LEFT}" y="{top}" width="{max(length, 1):.1f}" height="24" rx="3" '
        f'fill="{colour}"/>'
        f'<text x="{LEFT + length + 6:.1f}" y="{top + 17}">{value:,.3g}'
        f'<tspan fill="{FAINT}" font-size="11">{note}</tspan></text>'
    )
