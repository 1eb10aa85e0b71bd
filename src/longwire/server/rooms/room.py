"""Rooms of one node and their members: who is in, and how far each was written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from longwire.prepared import PreparedMessage
from longwire.types import Position

if TYPE_CHECKING:
    import asyncio

    from longwire.prepared import PreparedBatch
    from longwire.server.rooms.fanout import Slices
    from longwire.server.session.session import Writer


class Recipient(Protocol):
    """A socket, as the hub sees it."""

    @property
    def positions(self) -> bool:
        """Whether it is sent positions."""
        ...

    @property
    def writer(self) -> Writer | None:
        """What prepared messages may be written to as long as it says so, past the recipient."""
        ...

    def write(self, batch: PreparedBatch) -> bool:
        """Send the messages in order; False, and nothing sent, if the transport is stalled."""
        ...

    def receive_room_reset(self, room: str, position: Position) -> None:
        """Learn that a joined room's log began anew and will be replayed whole."""
        ...


Listener = Callable[[PreparedMessage], None]
"""Hears a room on this node, in order, without being a connection."""


class Member:
    """One socket in one room.

    Attributes:
        positions: whether it is sent positions.
        writer: what may be written to past the recipient; None until that is known.
        offset: how far it was written to; while it is live the room's own offset counts.
        turn: counts the reasons to start over; a feeder with an older turn stops.
    """

    __slots__ = (
        "feeding",
        "live",
        "offset",
        "positions",
        "recipient",
        "room",
        "turn",
        "writer",
    )

    def __init__(self, room: HubRoom, recipient: Recipient) -> None:
        self.room = room
        self.recipient = recipient
        self.positions = recipient.positions
        self.writer: Writer | None = None
        self.offset = 0
        self.live = False
        self.feeding = False
        self.turn = 0

    def write(self, batch: PreparedBatch) -> bool:
        """Send the messages in order; False, and nothing sent, if the transport is stalled."""
        if not self.recipient.write(batch):
            return False
        self.writer = self.recipient.writer
        return True


class HubRoom:
    """A room that somebody on this node is in.

    Attributes:
        offset: the last entry that was written to live members.
        received: the last entry that the broker delivered; between the two lies `pending`.
        pending_bytes: payload bytes in `pending`.
        fan_out: what is being written to many members, slice by slice; they stay live.
        ahead: members that read further than `offset`, live as soon as it reaches them.
        holds: operations under way that need the room to stay.
    """

    __slots__ = (
        "ahead",
        "epoch",
        "fan_out",
        "holds",
        "listeners",
        "live",
        "members",
        "name",
        "offset",
        "opened",
        "pending",
        "pending_bytes",
        "received",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.offset = 0
        self.received = 0
        self.members: dict[Recipient, Member] = {}
        self.live: dict[Member, None] = {}
        self.ahead: dict[Member, None] = {}
        self.pending: list[PreparedMessage] = []
        self.pending_bytes = 0
        self.fan_out: Slices | None = None
        self.listeners: dict[Listener, None] = {}
        self.opened: asyncio.Future[None] | None = None
        self.holds = 0

    @property
    def end(self) -> Position:
        """The log's end, as far as this node knows it."""
        return Position(self.epoch, self.received)
