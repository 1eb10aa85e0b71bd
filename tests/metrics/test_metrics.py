"""Prometheus metrics, read as Prometheus reads them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from longwire import CATALOG, Server, metrics
from longwire.catalog import Announcement, JobProgress
from longwire.errors import LongwireError
from longwire.reasons import REASONS
from longwire.server import Identity
from longwire.testing import Link, authenticate_by_name

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "docs/grafana-dashboard.json"
CLOSED = {
    "event": {*CATALOG.events, "", "other"},
    "outcome": {"ok", "other", *metrics.PUBLISH_ERRORS, *metrics.SIGN_IN_ERRORS},
    "reason": {*REASONS, "other"},
    "result": {"recovered", "reset"},
    "transport": set(metrics.TRANSPORTS),
}


def new_server(authenticate: Callable[..., Any] = authenticate_by_name) -> Server:
    return Server(contract=CATALOG, authenticate=authenticate, shared_jobs=True)


async def scrape(server: Server) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the value of each sample by its name and labels."""
    transport = httpx.ASGITransport(app=metrics.asgi(server))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        text = (await http.get("/")).text
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("longwire_")
        assert family.documentation
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


async def test_a_scrape_counts_what_the_node_did() -> None:
    server = new_server()
    async with Link(server) as link:
        client = await link.connect("ada")
        async with client.room("job:1"):
            await server.publish(JobProgress(job_id="1", progress=5, current_step="five"))
            with pytest.raises(LongwireError):
                await server.publish_data("unheard", b"{}")
            await client.ping()
            found = await scrape(server)
        assert found["longwire_rooms"][()] == 3  # and those that signing in grants
        assert found["longwire_server_active_connections"] == {
            (("transport", "polling"),): 0,
            (("transport", "websocket"),): 1,
        }
        event = (("event", "job:progress"), ("outcome", "ok"))
        assert found["longwire_publish_total"][event] == 1
        assert found["longwire_deliveries_total"][()] == 1
        assert found["longwire_cursor_lag_entries_bucket"][(("le", "0.0"),)] == 3
        assert found["longwire_sign_in_total"][(("outcome", "ok"),)] == 1
        assert 0 <= found["longwire_broker_lag_seconds"][()] < metrics.BROKER_TIMEOUT
        await client.disconnect()
        async with asyncio.timeout(10):
            while not server.statistics.closed:  # noqa: ASYNC110 - the count has no event
                await asyncio.sleep(0)
        found = await scrape(server)
    assert sum(found["longwire_close_total"].values()) == 1
    durations = found["longwire_server_connection_duration_seconds_bucket"]
    assert durations[(("le", "+Inf"),)] == 1


@settings(max_examples=25, deadline=None)
@given(
    st.text(min_size=1, max_size=30),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2),
)
def test_no_label_value_comes_from_a_client(text: str, payload: dict[str, str]) -> None:
    async def authenticate(token: str) -> Identity | None:
        return Identity(token, service=True) if token else None

    async def run() -> None:
        server = new_server(authenticate)
        async with Link(server) as link:
            client = await link.connect(text)
            await asyncio.gather(
                client.join_room(text),
                client.join_room(f"job:{text}"),
                client.call(text, payload, timeout=5),
                client.call("publish", {"event": text, "data": payload}, timeout=5),
                client.call("publish", {"event": "job:progress", "data": payload}, timeout=5),
                client.call("auth", text, timeout=5),
                return_exceptions=True,
            )
            labels = [
                label
                for name, values in (await scrape(server)).items()
                for key in values
                for label in key
                if not (name.endswith("_bucket") and label[0] == "le")
            ]
        assert [label for label in labels if label[1] not in CLOSED[label[0]]] == []

    asyncio.run(run())


async def test_codes_of_an_application_do_not_become_labels() -> None:
    server = new_server()
    server.statistics.refused_sign_ins["account of ada"] += 2
    server.statistics.closed["a reason of the future"] += 1
    async with server:
        found = await scrape(server)
    assert found["longwire_sign_in_total"][(("outcome", "other"),)] == 2
    assert found["longwire_close_total"] == {(("reason", "other"),): 1}


async def test_a_scrape_while_the_broker_is_away_lacks_only_its_delay() -> None:
    found = await scrape(new_server())  # which is not started
    assert "longwire_broker_lag_seconds" not in found
    assert found["longwire_rooms"][()] == 0


async def test_a_collector_joins_the_registry_of_an_application() -> None:
    registry = CollectorRegistry()
    registry.register(metrics.Collector(new_server()))
    assert b"longwire_rooms 0.0" in generate_latest(registry)


async def test_the_dashboard_asks_for_exported_names_only() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    asked = set(re.findall(r"longwire_\w+", " ".join(expressions)))
    server = new_server()
    async with Link(server) as link:
        client = await link.connect("ada")
        await server.publish(Announcement(message="hello"))
        await client.disconnect()
        async with asyncio.timeout(10):
            while not server.statistics.closed:  # noqa: ASYNC110 - the count has no event
                await asyncio.sleep(0)
        exported = set(await scrape(server))
    assert len(asked) >= 8
    assert asked - exported == set()
