"""Which nodes serve a consumer, and which of them works on which shard. Time is an argument."""

from __future__ import annotations

from typing import Final

from longwire.record import Record

SHARDS: Final = 16
"""Shares of the rooms among nodes; more nodes than this do not help."""

BEAT: Final = 1.0
"""Seconds between two beats of a node."""
SILENCE: Final = 5.0
"""Seconds without a beat after which the other nodes take over the shards of a node."""
SUSPICION: Final = 3.5
"""Seconds since its own last beat after which a node stops calling handlers: by its own clock it
stops before the others take over, unless it was frozen inside a handler."""
LISTENING: Final = 2.5
"""Seconds that a node listens to the others before it claims anything."""


class Beat(Record):
    """A sign of life for the other nodes that serve the same consumer.

    Attributes:
        node: the id of the node.
        shards: the shards that it holds, or is about to release.
        is_leaving: whether the node shuts down.
    """

    node: str
    shards: tuple[int, ...] = ()
    is_leaving: bool = False


class Membership:
    """The nodes that were heard of lately. All nodes that hear each other agree on the owners.

    Args:
        node: the id of this node.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._heard: dict[str, tuple[float, frozenset[int]]] = {}

    def receive(self, beat: Beat, now: float) -> None:
        """Record the beat of another node."""
        if beat.node == self._node:
            return
        if beat.is_leaving:
            self._heard.pop(beat.node, None)
        else:
            self._heard[beat.node] = (now, frozenset(beat.shards))

    def expire(self, now: float) -> None:
        """Forget the nodes that have been silent for too long."""
        silent = [node for node, (at, _) in self._heard.items() if now - at >= SILENCE]
        for node in silent:
            del self._heard[node]

    def is_own(self, shard: int) -> bool:
        """Return whether this node is to work on a shard."""
        nodes = sorted((self._node, *self._heard))
        return nodes[shard % len(nodes)] == self._node

    def is_held(self, shard: int) -> bool:
        """Return whether another node holds a shard."""
        return any(shard in shards for _, shards in self._heard.values())
