"""This node as a whole: its row, its health, and the contracts of its clients."""

from __future__ import annotations

import os
import secrets
import socket as sockets
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from longwire.admin.connections import find_lags
from longwire.admin.history import History
from longwire.admin.reports import summarize
from longwire.admin.views import ContractVersion, HealthRow, Node
from longwire.clock import clock
from longwire.server import Server
from longwire.server.access.fingerprints import MAX_KNOWN

_STATM: Final = Path("/proc/self/statm")


def new_name() -> str:
    """Return a name for this node that no other has, with which an operator finds the process."""
    return f"{sockets.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


class NodeView:
    """Reads the state of this node. Every method looks at live objects.

    Args:
        server: the node.
        name: its name.
        history: its samples.
    """

    def __init__(self, server: Server, name: str, history: History) -> None:
        self._server = server
        self._name = name
        self._history = history
        self._version = version("longwire")
        self._since = int(clock.time() * 1000)

    def node(self) -> Node:
        """Return the row of this node."""
        server, statistics = self._server, self._server.statistics
        clients = server.sockets
        return Node(
            name=self._name,
            is_draining=server.is_draining,
            version=self._version,
            since=self._since,
            connections=len(clients),
            users=len({client.identity.user_id for client in clients}),
            sessions=server.session_count,
            rooms=sum(1 for room in server.hub.rooms.values() if room.members),
            lagging=len(find_lags(server)),
            cpu=round(time.process_time(), 3),
            memory=resident_memory(),
            loop_delay=self._history.loop_delay,
            broker_delay=self._history.broker_delay,
            contract=server.contract.fingerprint,
            published=dict(statistics.published),
            refused=dict(statistics.refused),
            deliveries=statistics.deliveries,
            replayed=statistics.replayed,
            resumes=statistics.resumes,
            resets=statistics.resets,
            signed_in=statistics.signed_in,
            refused_sign_ins=dict(statistics.refused_sign_ins),
            closed=dict(statistics.closed),
        )

    def health(self) -> HealthRow:
        """Return how the connections of this node fare."""
        server, statistics = self._server, self._server.statistics
        round_trips = sorted(
            client.session.engine.round_trip
            for client in server.sockets
            if client.session.engine.round_trip is not None
        )
        return HealthRow(
            node=self._name,
            signed_in=statistics.signed_in,
            refused=dict(statistics.refused_sign_ins),
            closed=dict(statistics.closed),
            resumes=statistics.resumes,
            resets=statistics.resets,
            loop_delay=self._history.loop_delay,
            broker_delay=self._history.broker_delay,
            round_trip_p50=_quantile(round_trips, 0.5),
            round_trip_p99=_quantile(round_trips, 0.99),
            lagging=len(find_lags(server)),
            reports=summarize(client.health for client in server.sockets),
        )

    def contracts(self) -> list[ContractVersion]:
        """Return the clients of this node by the contract that they were built for."""
        own = self._server.contract.fingerprint
        connected = Counter(client.contract for client in self._server.sockets)
        sign_ins = dict(self._server.fingerprints.others)
        others = [name for name, _ in connected.most_common(MAX_KNOWN) if name is not None]
        known = {own, *sign_ins, *others}
        return [
            ContractVersion(
                fingerprint=name,
                is_server=name == own,
                connections=connected[name],
                sign_ins=self._server.fingerprints.own if name == own else sign_ins.get(name, 0),
            )
            for name in sorted(known)
        ]

    def options(self) -> dict[str, object]:
        """Return the effective options. None of these has a secret: brokers appear by type."""
        server = self._server
        return {
            "broker": type(server.broker).__name__,
            "broker_is_durable": server.broker.is_durable,
            "broker_is_shared": server.broker.is_shared,
            "limits": msgspec.structs.asdict(server.limits),
            "engine": msgspec.structs.asdict(server.options),
            "connection": msgspec.structs.asdict(server.connection_options),
        }


def unknown_node(name: str) -> Node:
    """Return the row of a node that has never answered."""
    return Node(
        name=name,
        version="",
        since=0,
        connections=0,
        users=0,
        sessions=0,
        rooms=0,
        lagging=0,
        cpu=0,
        memory=0,
        loop_delay=0,
        broker_delay=None,
        contract="",
        published={},
        refused={},
        deliveries=0,
        replayed=0,
        resumes=0,
        resets=0,
        signed_in=0,
        refused_sign_ins={},
        closed={},
    )


def resident_memory() -> int:
    """Return the bytes of memory that this process occupies; 0 where the system does not tell."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(ordered[int(len(ordered) * share)], 6) if ordered else None
