"""Reports about the connection, from the client to the server."""

from __future__ import annotations

import asyncio

import msgspec

from longwire import Identity, Server, WebSocketClient
from longwire.client import ConnectionQuality, HealthSnapshot
from longwire.client.sending.health_report import REPORT_INTERVAL, HealthReporter, describe
from longwire.wire import MAX_HEALTH_REPORT, ClientHealth
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import serving

QUICK = {"reconnection_delay": 0.02, "reconnection_delay_max": 0.05}


def test_at_most_one_report_a_minute_and_one_after_each_recovery() -> None:
    sent: list[ClientHealth] = []
    snapshot = HealthSnapshot()
    reporter = HealthReporter(lambda: snapshot, sent.append)
    for second in range(0, 150, 10):
        reporter.receive_round_trip(1000.0 + second)
    assert [report.cause for report in sent] == ["periodic", "periodic"]
    snapshot = HealthSnapshot(reconnects=1)
    reporter.receive_round_trip(1151.0)
    reporter.receive_round_trip(1152.0)
    reporter.receive_round_trip(1151.0 + REPORT_INTERVAL)
    assert [report.cause for report in sent[2:]] == ["recovered", "periodic"]


def test_the_largest_report_fits() -> None:
    most, longest = 2**31, 86_400.0
    snapshot = HealthSnapshot(
        round_trip_p50=longest,
        round_trip_p99=longest,
        jitter=longest,
        missed_heartbeats=most,
        quality=ConnectionQuality.EXCELLENT,
        transport="websocket",
        drops=most,
        reconnects=most,
        recovery_p50=longest,
        recovery_p99=longest,
        rooms_resumed=most,
        rooms_reset=most,
        unsent=most,
    )
    report = msgspec.json.encode(describe(snapshot, has_recovered=True))
    assert len(report) <= MAX_HEALTH_REPORT


async def test_a_recovered_client_reports_to_the_server_if_it_opted_in() -> None:
    server = Server(authenticate=Identity)
    async with (
        serving(server) as url,
        WebSocketClient(url, token="ada", report_health=True, **QUICK) as reporting,
        WebSocketClient(url, token="eve", **QUICK) as silent,
    ):
        back = [asyncio.Event(), asyncio.Event()]
        for client, event in zip((reporting, silent), back, strict=True):
            client.on("reconnect", lambda *_, event=event: event.set())
        await server.drain(0)
        await server.close()
        await server.start()
        await asyncio.gather(*[event.wait() for event in back])
        await asyncio.gather(reporting.ping(), silent.ping())
        await reporting.call("ping")  # the report was sent before
        reports = {socket.identity.user_id: socket.health for socket in server.sockets}
        health = reporting.health
    report = reports["ada"]
    assert report is not None
    assert (report.cause, report.client, report.transport) == ("recovered", "python", "websocket")
    assert (report.quality, report.drops, report.reconnects) == ("poor", 1, 1)
    assert report.recovery_p50_ms is not None
    assert reports["eve"] is None
    assert health.recovery_p50 is not None
    assert health.recovery_p50 == health.recovery_p99
    assert (health.quality, health.transport) == ("poor", "websocket")


async def test_reports_that_are_invalid_or_come_too_soon_change_nothing() -> None:
    server = Server(authenticate=Identity)
    async with serving(server) as url, websocket(url) as client:
        await sign_in(client, "ada")
        assert await call(client, "client:health", {"version": "1.0"}) == {"ok": True}
        assert await call(client, "client:health", {"version": "2.0"}) == {"ok": True}
        wrong: list[object] = [
            {"quality": "splendid"},
            {"drops": -1},
            {"version": "1.0\n"},
            {"version": "x" * 33},
            {"unknown": "x" * 600},
            "a string",
        ]
        for report in wrong:
            answer = await call(client, "client:health", report)
            assert answer["error"]["code"] == "invalid_event"
        [socket] = server.sockets
        assert socket.health is not None
        assert socket.health.version == "1.0"


async def test_the_quality_follows_the_connection() -> None:
    async with serving(Server(authenticate=Identity)) as url:
        client = WebSocketClient(url, token="ada")
        assert client.health.quality is ConnectionQuality.LOST
        assert client.health.recovered_ratio is None
        async with client:
            await client.ping()
            assert client.health.quality in ("excellent", "good", "fair", "poor")
            assert client.health.missed_heartbeats == 0
            await client.join_room("user:ada")
        assert client.health.quality is ConnectionQuality.LOST
        assert client.health.transport is None
