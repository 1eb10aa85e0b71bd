"""The definition of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peers import LONGWIRE, NODE, PYTHON_SOCKETIO, Peer

Figures = dict[str, float]


@dataclass(frozen=True)
class Scenario:
    """One kind of work of servers or clients, and how to measure its cost.

    Attributes:
        name: the name of its result files.
        title: the title in tables and plots.
        unit: the unit of the compared figure.
        key: the name of the compared figure.
        measure: starts a peer, runs the work and returns the figures; `quick` means less work.
        peers: the measured projects.
        bars: the maximum of Longwire's figure divided by that of another peer.
        rounds: the number of rounds.
    """

    name: str
    title: str
    unit: str
    key: str
    measure: Callable[[Peer, bool], Figures]
    peers: tuple[Peer, ...] = (LONGWIRE, NODE, PYTHON_SOCKETIO)
    bars: Mapping[str, float] = field(default_factory=dict[str, float])
    rounds: int = 3


TEXT = "x" * 100  # gives a frame of about 170 bytes


def bars(node: float, python_socketio: float, **others: float) -> dict[str, float]:
    """Return the maximum ratios to other peers that Longwire must meet."""
    return {NODE.name: node, PYTHON_SOCKETIO.name: python_socketio, **others}


def scaled(peer: Peer, count: int, *, quick: bool) -> int:
    """Return how often to repeat the work: less often for a peer that takes ten times as long."""
    if quick:
        count //= 5
    return count // 5 if peer is PYTHON_SOCKETIO else count
