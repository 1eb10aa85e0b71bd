"""Prometheus metrics of a node.

    app.mount("/metrics", longwire.metrics.asgi(server))

Nothing is counted for it: each scrape reads plain numbers that the server has anyway. Labels come
from closed sets only (the events of the contract, `longwire.reasons`, error codes, transports), so
no client can create a time series, and no name of a user or a room appears.

The endpoint has no authentication of its own: serve it on an address that only Prometheus reaches.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import accumulate
from typing import Any, Final

from longwire.errors import BrokerUnavailable, needing
from longwire.reasons import REASONS
from longwire.server import Server
from longwire.server.scope import ASGIApp, Receive, Scope, Send
from longwire.server.statistics import Histogram

__all__ = ["Collector", "asgi"]

TRANSPORTS: Final = ("polling", "websocket")

SIGN_IN_ERRORS: Final = frozenset(
    {"token_missing", "token_invalid", "token_expired", "token_revoked", "another_user"}
    | {"internal_error"}
)
"""Codes of refused sign-ins that have a label of their own; an application's own are `other`."""

PUBLISH_ERRORS: Final = frozenset(
    {"invalid_event", "invalid_id", "invalid_room", "unknown_event", "idempotency_conflict"}
    | {"conflict", "stale_attempt", "job_ended", "broker_unavailable", "invalid_configuration"}
)
"""Codes of refused publications that have a label of their own; any other is `other`."""

ROUND_TRIPS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAGS: Final = (0.0, 1.0, 10.0, 100.0, 1000.0, 10000.0)

BROKER_TIMEOUT: Final = 1.0
"""Seconds to wait for the broker at a scrape."""

# A room that has no log: reading its end costs the broker a look at a missing key.
_PROBE: Final = "control probe"


class Collector:
    """A collector for a registry of prometheus-client: `registry.register(Collector(server))`.

    Args:
        server: the node.

    Attributes:
        broker_lag: seconds that the broker took to answer before the scrape; None if it did not.
            `asgi` measures it, since a collector cannot wait.
    """

    def __init__(self, server: Server) -> None:
        with needing("metrics"):
            self._families: Any = import_module("prometheus_client.core")
        self._server = server
        self.broker_lag: float | None = None

    def collect(self) -> Iterator[Any]:
        """Yield the families of metrics, as prometheus-client calls it at each scrape."""
        yield from self._connections()
        yield from self._events()
        yield from self._rooms()

    def describe(self) -> list[Any]:
        """Return no families: registering must not need a server that runs."""
        return []

    def _connections(self) -> Iterator[Any]:
        server, statistics = self._server, self._server.statistics
        transports = Counter(client.session.engine.transport for client in server.sockets)
        yield self._gauges(
            "longwire_server_active_connections",
            "Clients that are signed in.",
            "transport",
            {name: transports[name] for name in TRANSPORTS},
        )
        yield self._histogram(
            "longwire_server_connection_duration_seconds",
            "Time for which clients were signed in until their connections ended.",
            statistics.durations,
        )
        yield self._counters(
            "longwire_close",
            "Connections that ended.",
            "reason",
            _known(statistics.closed, REASONS),
        )
        refused = _known(statistics.refused_sign_ins, SIGN_IN_ERRORS)
        yield self._counters(
            "longwire_sign_in",
            "Sign-ins by their outcome: ok, or the error code.",
            "outcome",
            {"ok": statistics.signed_in} | refused,
        )
        round_trips = (client.session.engine.round_trip for client in server.sockets)
        yield self._current(
            "longwire_ping_rtt_seconds",
            "The newest round trip of each connection.",
            ROUND_TRIPS,
            (value for value in round_trips if value is not None),
        )

    def _events(self) -> Iterator[Any]:
        statistics = self._server.statistics
        family = self._families.CounterMetricFamily(
            "longwire_publish",
            "Publications through this node. A refused one has no event.",
            labels=("event", "outcome"),
        )
        for event, count in _known(statistics.published, self._server.contract.events).items():
            family.add_metric((event, "ok"), count)
        for code, count in _known(statistics.refused, PUBLISH_ERRORS).items():
            family.add_metric(("", code), count)
        yield family
        for name, description, value in (
            ("deliveries", "Writes of an event to a member of a room.", statistics.deliveries),
            ("replayed", "Entries that were read from a log for a member.", statistics.replayed),
            (
                "volatile_dropped",
                "Volatile events that members missed because they lagged.",
                self._server.hub.volatile_dropped,
            ),
            (
                "stale_attempt",
                "Publications of workers whose job another attempt runs.",
                statistics.refused["stale_attempt"],
            ),
        ):
            yield self._families.CounterMetricFamily(f"longwire_{name}", description, value=value)
        yield self._counters(
            "longwire_resume",
            "Joins with a position: continued there, or replayed since it was gone.",
            "result",
            {"recovered": statistics.resumes, "reset": statistics.resets},
        )

    def _rooms(self) -> Iterator[Any]:
        rooms = [room for room in self._server.hub.rooms.values() if room.members]
        gauge = self._families.GaugeMetricFamily
        yield gauge("longwire_rooms", "Rooms with a member on this node.", value=len(rooms))
        live = sum(len(room.live) for room in rooms)
        behind = (
            max(0, room.received - member.offset)
            for room in rooms
            if len(room.live) != len(room.members)
            for member in room.members.values()
            if not member.live
        )
        yield self._current(
            "longwire_cursor_lag_entries",
            "Entries that each member is behind the end of its room's log.",
            LAGS,
            behind,
            zeros=live,
        )
        if self.broker_lag is not None:
            yield gauge(
                "longwire_broker_lag_seconds",
                "Time that the broker took to answer at this scrape.",
                value=self.broker_lag,
            )

    def _counters(
        self, name: str, description: str, label: str, values: Mapping[str, float]
    ) -> Any:
        family = self._families.CounterMetricFamily(name, description, labels=(label,))
        for value, count in values.items():
            family.add_metric((value,), count)
        return family

    def _gauges(self, name: str, description: str, label: str, values: Mapping[str, float]) -> Any:
        family = self._families.GaugeMetricFamily(name, description, labels=(label,))
        for value, count in values.items():
            family.add_metric((value,), count)
        return family

    def _histogram(self, name: str, description: str, histogram: Histogram) -> Any:
        return self._families.HistogramMetricFamily(
            name,
            description,
            buckets=_buckets(histogram.bounds, histogram.counts),
            sum_value=histogram.total,
        )

    def _current(
        self,
        name: str,
        description: str,
        bounds: tuple[float, ...],
        values: Iterable[float],
        zeros: int = 0,
    ) -> Any:
        """Return how values that exist now are distributed; unlike a counter it may shrink."""
        counts = [0] * (len(bounds) + 1)
        counts[bisect_left(bounds, 0.0)] = zeros
        total = 0.0
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        return self._families.GaugeHistogramMetricFamily(
            name, description, buckets=_buckets(bounds, counts), gsum_value=total
        )


def asgi(server: Server) -> ASGIApp:
    """Return an ASGI application that answers with the metrics of this node.

    It has a registry of its own, so it shows nothing but Longwire. To add metrics of your own,
    register a `Collector` in your registry instead.

    Args:
        server: the node.
    """
    collector = Collector(server)
    with needing("metrics"):
        prometheus: Any = import_module("prometheus_client")
    registry = prometheus.CollectorRegistry()
    registry.register(collector)
    exposition: ASGIApp = prometheus.make_asgi_app(registry=registry)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        collector.broker_lag = await _measure_broker(server)
        await exposition(scope, receive, send)

    return app


async def _measure_broker(server: Server) -> float | None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    try:
        async with asyncio.timeout(BROKER_TIMEOUT):
            await server.broker.position(_PROBE)
    except (BrokerUnavailable, TimeoutError):
        return None
    return loop.time() - start


def _known(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    """Return the counts of the names of a closed set; those of others are added up as `other`."""
    known = {name: counts[name] for name in sorted(names) if name in counts}
    other = sum(counts.values()) - sum(known.values())
    return known | {"other": other} if other else known


def _buckets(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[str, int]]:
    ends = [*(str(bound) for bound in bounds), "+Inf"]
    return list(zip(ends, accumulate(counts), strict=True))
