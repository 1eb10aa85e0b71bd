"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peers import LONGWIRE, NODE, PYTHON_SOCKETIO, Peer

Figures = dict[str, float]


@dataclass(frozen=True)
class Scenario:
    """One thing that servers or clients do, and what it costs them.

    Attributes:
        name: of its result files.
        title: for tables and plots.
        unit: of the figure that is compared.
        key: which of the figures that is.
        measure: starts a peer, makes it do so, and reads what it cost; `quick` asks for less.
        peers: who is measured.
        bars: the most that Longwire's figure may be of another's.
        rounds: how often everybody takes a turn.
    """

    name: str
    title: str
    unit: str
    key: str
    measure: Callable[[Peer, bool], Figures]
    peers: tuple[Peer, ...] = (LONGWIRE, NODE, PYTHON_SOCKETIO)
    bars: Mapping[str, float] = field(default_factory=dict[str, float])
    rounds: int = 3


TEXT = "x" * 100  # makes a frame of about 170 bytes


def bars(node: float, python_socketio: float, **others: float) -> dict[str, float]:
    """What Longwire has to stay below, as parts of the others' figures."""
    return {NODE.name: node, PYTHON_SOCKETIO.name: python_socketio, **others}


def scaled(peer: Peer, count: int, *, quick: bool) -> int:
    """How often to do something: fewer times for who takes ten times as long."""
    if quick:
        count //= 5
    return count // 5 if peer is PYTHON_SOCKETIO else count
