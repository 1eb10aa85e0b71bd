"""Health reports of clients, added up."""

from __future__ import annotations

import asyncio

import httpx

from longwire import Server
from longwire.admin.reports import MAX_GROUPS, summarize
from longwire.testing import Link
from longwire.wire import ClientHealth


async def test_reports_of_clients_are_shown_with_the_health(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    report = {"client": "python", "version": "1.2.3", "transport": "websocket", "drops": 2}
    await client.call("client:health", report | {"roundTripP50Ms": 20}, timeout=10)
    (node,) = (await http.get("/_longwire/api/health")).json()["nodes"]
    (row,) = node["reports"]
    assert (row["client"], row["version"], row["transport"]) == ("python", "1.2.3", "websocket")
    assert (row["reports"], row["drops"], row["roundTripMs"]) == (1, 2, 20)
    assert row["quality"] == {"good": 1}
    await client.disconnect()
    async with asyncio.timeout(10):
        while server.sockets:  # noqa: ASYNC110 - the list has no event
            await asyncio.sleep(0)
    (node,) = (await http.get("/_longwire/api/health")).json()["nodes"]
    assert node["reports"] == []


def test_groups_are_bounded_since_clients_choose_their_version() -> None:
    reports = [ClientHealth(version=str(number), drops=1) for number in range(3 * MAX_GROUPS)]
    rows = summarize([*reports, None])
    assert len(rows) == MAX_GROUPS + 1
    assert sum(row.drops for row in rows) == 3 * MAX_GROUPS
    assert rows[-1].version == ""
