"""Draws pages of the admin interface as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from longwire.admin.views import (
    Connection,
    ConnectionsView,
    JobsView,
    Node,
    Overview,
    Room,
    RoomsView,
    Sample,
)
from longwire.cli.top.formats import NONE, age, bars, number, plain, seconds, size
from longwire.jobs import JobState

R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """A column of a table.

    Attributes:
        name: its heading.
        cell: returns the text of a row, given the time in seconds.
        is_number: whether it is aligned to the right.
        least_width: of the terminal, in which there is room for the column.
    """

    name: str
    cell: Callable[[R, float], str]
    is_number: bool = False
    least_width: int = 0


NODES: Final[Sequence[Column[Node]]] = [
    Column("Node", lambda node, now: plain(node.name)),
    Column("State", lambda node, now: _node_state(node)),
    Column("Up for", lambda node, now: age(node.since, now), True),
    Column("Connections", lambda node, now: number(node.connections), True),
    Column("Rooms", lambda node, now: number(node.rooms), True, 70),
    Column("Behind", lambda node, now: number(node.lagging), True, 70),
    Column("Memory", lambda node, now: size(node.memory), True, 90),
    Column("Loop late", lambda node, now: seconds(node.loop_delay), True, 100),
    Column("Broker", lambda node, now: seconds(node.broker_delay), True, 110),
    Column("Version", lambda node, now: plain(node.version), False, 120),
]
CONNECTIONS: Final[Sequence[Column[Connection]]] = [
    Column("User", lambda row, now: plain(row.user)),
    Column("State", lambda row, now: row.state),
    Column("Behind", lambda row, now: number(row.lag), True),
    Column("Rooms", lambda row, now: number(row.rooms), True),
    Column("Trip", lambda row, now: seconds(row.round_trip), True),
    Column("Since", lambda row, now: age(row.since, now), True, 70),
    Column("Transport", lambda row, now: plain(row.transport), False, 90),
    Column("Address", lambda row, now: plain(row.address), False, 100),
    Column("Node", lambda row, now: plain(row.node), False, 120),
    Column("Connection", lambda row, now: plain(row.id), False, 140),
]
ROOMS: Final[Sequence[Column[Room]]] = [
    Column("Room", lambda row, now: plain(row.name)),
    Column("Readers", lambda row, now: number(row.readers), True),
    Column("Behind", lambda row, now: number(row.lagging), True),
    Column("Worst lag", lambda row, now: number(row.max_lag), True),
    Column("End", lambda row, now: number(row.end), True),
]
JOBS: Final[Sequence[Column[JobState]]] = [
    Column("Job", lambda row, now: plain(row.title or row.job_id)),
    Column("Status", lambda row, now: row.status),
    Column("Done", lambda row, now: _percent(row.progress), True),
    Column("Step or error", lambda row, now: plain(row.error or row.current_step), False, 70),
    Column("Owner", lambda row, now: plain(row.owner), False, 90),
    Column("Attempt", lambda row, now: number(row.attempt), True, 100),
    Column("Started", lambda row, now: age(row.created_at, now), True, 60),
    Column("Silent", lambda row, now: NONE if row.is_complete else age(row.updated_at, now), True),
]

_WARNING: Final = frozenset({"lagging", "stalled", "failed", "no answer", "draining"})


class View(NamedTuple):
    """A view of the command.

    Attributes:
        sort: the default order.
        type: of the page.
        rows: the member of the page that has its rows.
        columns: of the table.
    """

    sort: str
    type: type[Any]
    rows: str
    columns: Sequence[Column[Any]]


VIEWS: Final[Mapping[str, View]] = {
    "overview": View("", Overview, "nodes", NODES),
    "connections": View("-lag", ConnectionsView, "connections", CONNECTIONS),
    "rooms": View("-readers", RoomsView, "rooms", ROOMS),
    "jobs": View("-updatedAt", JobsView, "jobs", JOBS),
}


def draw(view: str, body: bytes, width: int, height: int | None, now: float) -> RenderableType:
    """Return one page as a table that fits into the width, and into the height if there is one."""
    shown = VIEWS[view]
    page = msgspec.json.decode(body, type=shown.type)
    rows: list[Any] = getattr(page, shown.rows)
    notes = _notes(page, len(rows))
    table = _table(
        shown.columns, rows if height is None else rows[: max(1, height - 4)], width, now
    )
    parts: list[RenderableType] = [table]
    if isinstance(page, Overview):
        parts = [_totals(page, width), table]
    if notes:
        parts.append(Text(notes, style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _percent(progress: float | None) -> str:
    return NONE if progress is None else f"{progress:.0f} %"


def _node_state(node: Node) -> str:
    if node.is_missing:
        return "no answer"
    return "draining" if node.is_draining else "serving"


def _notes(page: Any, shown: int) -> str:
    notes: list[str] = []
    total = getattr(page, "total", shown)
    if total > shown:
        notes.append(f"{shown:,} of {total:,}")
    missing: list[str] = getattr(page, "missing", [])
    if missing:
        notes.append(f"no answer from {', '.join(map(plain, missing))}")
    return "; ".join(notes)


def _table(columns: Sequence[Column[Any]], rows: Sequence[Any], width: int, now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, header_style="bold")
    fitting = [column for column in columns if column.least_width <= width]
    for position, column in enumerate(fitting):
        table.add_column(
            column.name,
            justify="right" if column.is_number else "left",
            ratio=1 if position == 0 else None,
            no_wrap=True,
            overflow="ellipsis",
            max_width=None if position == 0 else max(8, width // 4),
        )
    for row in rows:
        cells = [column.cell(row, now) for column in fitting]
        table.add_row(*(Text(cell, style=_style(cell)) for cell in cells))
    return table


def _style(cell: str) -> str:
    if cell in _WARNING:
        return "bold yellow"
    return "bold" if cell == "running" else ""


def _totals(page: Overview, width: int) -> Table:
    nodes = [node for node in page.nodes if not node.is_missing]
    rates = {name: _rates(page.samples, name) for name in ("published", "deliveries")}
    facts = [
        ("connections", number(sum(node.connections for node in nodes))),
        ("rooms", number(sum(node.rooms for node in nodes))),
        ("readers behind", number(sum(node.lagging for node in nodes))),
        ("jobs running", number(page.jobs.get("running", 0))),
        *((name, f"{number(values[-1] if values else 0)}/s") for name, values in rates.items()),
    ]
    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        line = bars(rates[name], max(0, width - 34)) if name in rates else ""
        grid.add_row(Text(name, style="dim"), Text(value, style="bold", justify="right"), line)
    return grid


def _rates(samples: Mapping[str, Sequence[Sample]], name: str) -> list[float]:
    """Return the growth of a counter per second between samples, over all nodes; newest last."""
    lines: list[list[float]] = []
    for node in samples.values():
        pairs = pairwise(node)
        lines.append(
            [
                max(0, getattr(after, name) - getattr(before, name)) * 1000 / (after.at - before.at)
                for before, after in pairs
                if after.at > before.at
            ]
        )
    longest = max(map(len, lines), default=0)
    filled = [[0.0] * (longest - len(line)) + line for line in lines]
    return [sum(values) for values in zip(*filled, strict=True)]
