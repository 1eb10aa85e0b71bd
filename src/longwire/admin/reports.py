"""Adds up the health reports of clients, by library, version and transport."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from longwire.admin.views import ClientReports
from longwire.wire import ClientHealth

MAX_GROUPS: Final = 50
"""Groups that are told apart. A client chooses its version, so there may be any number of them."""

_Group = tuple[str, str, str | None]

_REST: Final[_Group] = ("", "", None)


def summarize(reports: Iterable[ClientHealth | None]) -> list[ClientReports]:
    """Return a row for each library, version and transport, most clients first."""
    groups: dict[_Group, list[ClientHealth]] = {}
    for report in reports:
        if report is not None:
            group = (report.client, report.version, report.transport)
            groups.setdefault(group, []).append(report)
    ordered = sorted(groups.items(), key=lambda group: len(group[1]), reverse=True)
    rows = [_row(group, members) for group, members in ordered[:MAX_GROUPS]]
    rest = [report for _, members in ordered[MAX_GROUPS:] for report in members]
    return [*rows, _row(_REST, rest)] if rest else rows


def _row(group: _Group, reports: list[ClientHealth]) -> ClientReports:
    client, version, transport = group
    return ClientReports(
        client=client,
        version=version,
        transport=transport,
        reports=len(reports),
        quality=dict(Counter(report.quality for report in reports)),
        drops=sum(report.drops for report in reports),
        reconnects=sum(report.reconnects for report in reports),
        resumed=sum(report.resumed for report in reports),
        reset=sum(report.reset for report in reports),
        round_trip_ms=_median(report.round_trip_p50_ms for report in reports),
        recovery_ms=_median(report.recovery_p50_ms for report in reports),
    )


def _median(values: Iterable[int | None]) -> int | None:
    ordered = sorted(value for value in values if value is not None)
    return ordered[len(ordered) // 2] if ordered else None
