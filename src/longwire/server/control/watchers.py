"""Counts the members of a room on all nodes."""

from __future__ import annotations

from typing import Final

import msgspec

from longwire.record import Record
from longwire.server.clients.socket import Socket
from longwire.server.control.nodes import Nodes
from longwire.server.rooms.hub import Hub

# User ids in an answer: more than a person reads.
MAX_USERS: Final = 1000

_TOPIC: Final = "watchers"


class Watchers(Record):
    """The members of a room on all nodes, at about one moment.

    Attributes:
        count: the connections in the room. A user with two tabs counts twice.
        users: their users, sorted, each once and at most 1,000.
        missing: the nodes that did not answer in time, whose members are not counted.
    """

    count: int = 0
    users: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


_decode: Final = msgspec.json.Decoder(Watchers).decode


class WatcherCounts:
    """Asks all nodes for the members of a room.

    Args:
        hub: has the members of this node.
        nodes: reaches the other nodes.
    """

    def __init__(self, hub: Hub, nodes: Nodes) -> None:
        self._hub = hub
        self._nodes = nodes
        nodes.answer(_TOPIC, self._answer)

    async def count(self, room: str) -> Watchers:
        """Return the members of a room; see `Server.watchers`."""
        answers = await self._nodes.ask(_TOPIC, room)
        counts = [_decode(answer) for answer in answers.found.values()]
        users = sorted({user for each in counts for user in each.users})
        return Watchers(
            count=sum(each.count for each in counts),
            users=tuple(users[:MAX_USERS]),
            missing=answers.missing,
        )

    def _answer(self, argument: bytes) -> Watchers:
        members = self._hub.members(msgspec.json.decode(argument, type=str))
        users = {member.identity.user_id for member in members if isinstance(member, Socket)}
        return Watchers(count=len(members), users=tuple(sorted(users)[:MAX_USERS]))
