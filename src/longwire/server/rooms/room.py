"""The state of one room on this node: its members and how far each of them was written to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.session.writer import Writer
from longwire.types import Position


class Recipient(Protocol):
    """What the hub requires of a socket."""

    @property
    def wants_positions(self) -> bool:
        """Whether events are sent to it with their positions."""
        ...

    @property
    def writer(self) -> Writer | None:
        """The writer that prepared messages may go to without `write`, or None.

        See `Writer.is_direct`.
        """
        ...

    def write(self, batch: PreparedBatch) -> bool:
        """Send the messages in order; return False, with nothing sent, if the transport stalled."""
        ...

    def receive_room_reset(self, room: str, position: Position) -> None:
        """Handle that the log of a joined room was replaced: it will be replayed from its start."""
        ...


Listener = Callable[[PreparedMessage], None]
"""Receives the events of a room on this node, in order, without being a connection."""


@dataclass(eq=False, repr=False, slots=True)
class Member:
    """One socket in one room: a cursor into the room's log.

    Attributes:
        wants_positions: whether events are sent to the socket with their positions.
        writer: see `Recipient.writer`; None until the first write.
        offset: the last entry that was written to it. While the member is live, the room's offset
            counts instead, so that a fan-out need not touch every member.
        live: whether it receives new entries from the fan-out.
        feeding: whether a task feeds it from the log.
        turn: incremented whenever the member is parked (see `Fanout.park`). A feeder that began to
            read a slice of the log in an earlier turn drops the slice.
    """

    room: HubRoom
    recipient: Recipient
    wants_positions: bool = field(init=False)
    writer: Writer | None = None
    offset: int = 0
    live: bool = False
    feeding: bool = False
    turn: int = 0

    def __post_init__(self) -> None:
        self.wants_positions = self.recipient.wants_positions

    def write(self, batch: PreparedBatch) -> bool:
        """Send the messages in order; return False, with nothing sent, if the transport stalled."""
        if not self.recipient.write(batch):
            return False
        self.writer = self.recipient.writer
        return True


@dataclass(eq=False, repr=False, slots=True)
class Slices:
    """A batch that is written to many members over several turns of the event loop.

    Attributes:
        batch: the messages.
        weight: the cost of one write of the batch, in small writes.
        since: the offset that the batch follows.
        members: the members that were live when the fan-out began.
        next: the index of the first member that no slice has reached.
    """

    batch: PreparedBatch
    weight: int
    since: int
    members: list[Member]
    next: int = 0
    _indexes: dict[Member, int] | None = None

    def slice(self, count: int) -> list[Member]:
        """Return the members to write to among the next `count`.

        Since the fan-out began, some may have left the live set, and some of those may be live
        again, with an offset beyond the batch, after they read it from the log.
        """
        return [
            member
            for member in self.members[self.next : self.next + count]
            if member.live and member.offset <= self.since
        ]

    def includes(self, member: Member) -> bool:
        """Whether a live member has yet to be written to."""
        if member.offset > self.since:
            return False
        if self._indexes is None:
            self._indexes = {member: index for index, member in enumerate(self.members)}
        return self._indexes.get(member, -1) >= self.next


@dataclass(eq=False, repr=False, slots=True)
class HubRoom:
    """A room that has members or listeners on this node.

    Attributes:
        epoch: the epoch of the room's log; empty until it is known.
        offset: the last entry that was written to the live members.
        received: the last entry that the broker delivered.
        members: all members by recipient.
        live: the members at `offset`, which the fan-out writes to; a dict as an ordered set.
        ahead: members that read past `offset` from the log. They become live when `offset`
            reaches them.
        pending: the messages between `offset` and `received`.
        pending_bytes: the bytes of their payloads.
        slices: the fan-out under way, if it takes more than one turn of the loop.
        listeners: an ordered set.
        opened: completes when the broker has subscribed; None from then on.
        holds: operations under way that require the room to stay open.
    """

    name: str
    epoch: str = ""
    offset: int = 0
    received: int = 0
    members: dict[Recipient, Member] = field(default_factory=dict[Recipient, Member])
    live: dict[Member, None] = field(default_factory=dict[Member, None])
    ahead: dict[Member, None] = field(default_factory=dict[Member, None])
    pending: list[PreparedMessage] = field(default_factory=list[PreparedMessage])
    pending_bytes: int = 0
    slices: Slices | None = None
    listeners: dict[Listener, None] = field(default_factory=dict[Listener, None])
    opened: asyncio.Future[None] | None = None
    holds: int = 0

    @property
    def end(self) -> Position:
        """The log's end as far as this node knows."""
        return Position(self.epoch, self.received)
