"""The fan-out loop: what grows a room's log goes to every member at its end.

Everything that one loop tick brings to a room is written to each member at once. A turn of the loop
takes so many writes, however many rooms grew and however large they are: what does not fit is
written in the next turns, room after room, so that the loop is never held for more than a few
milliseconds. What comes meanwhile to a large room waits for its last slice, so the order stays.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from longwire.prepared import PreparedBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from longwire.prepared import PreparedMessage
    from longwire.server.rooms.room import HubRoom, Member

# Payload bytes that wait for the end of the tick; more is written at once, so that a member whose
# transport is full is noticed before the next lot is handed to it.
MAX_PENDING_BYTES = 256 * 1024

# Payload bytes that wait for an earlier fan-out; with more, the room's members read the log.
MAX_BACKLOG_BYTES = 4 * 1024 * 1024

# Bytes that cost the system about as much to take in as the call does: some 10 µs.
BYTES_PER_WRITE = 32 * 1024


class Slices:
    """A batch on its way to many members.

    Attributes:
        batch: what they are written.
        weight: how many small writes one of it costs as much as.
        since: where the members stand that it follows.
        members: everybody who was live when it began.
        next: the first of them who was not written to yet.
    """

    __slots__ = ("_places", "batch", "members", "next", "since", "weight")

    def __init__(
        self, batch: PreparedBatch, weight: int, since: int, members: list[Member]
    ) -> None:
        self.batch = batch
        self.weight = weight
        self.since = since
        self.members = members
        self.next = 0
        self._places: dict[Member, int] | None = None

    def take(self, count: int) -> list[Member]:
        """Those of the next members who still have to be written to: they did not leave, and did
        not become live again with what they read from the log meanwhile.
        """
        return [
            member
            for member in self.members[self.next : self.next + count]
            if member.live and member.offset <= self.since
        ]

    def awaits(self, member: Member) -> bool:
        """Whether a live member will be written to."""
        if member.offset > self.since:
            return False
        if self._places is None:
            self._places = {member: place for place, member in enumerate(self.members)}
        return self._places.get(member, -1) >= self.next


class Fanout:
    """Writes what is pending in rooms to their live members.

    Args:
        slice_size: small writes in one go; larger ones count for more.
        fall_behind: called with a member that has to be fed from the log.
    """

    def __init__(self, slice_size: int, fall_behind: Callable[[Member], None]) -> None:
        self._slice_size = slice_size
        self._fall_behind = fall_behind
        self._dirty: dict[HubRoom, None] = {}
        self._scheduled = False
        self._left = 0
        self.volatile_dropped = 0

    def append(self, room: HubRoom, message: PreparedMessage) -> None:
        """Write `message` to the room's live members before the next tick."""
        room.pending.append(message)
        room.pending_bytes += len(message.data)
        if room.fan_out is not None and room.pending_bytes > MAX_BACKLOG_BYTES:
            self._leave_to_log(room, room.fan_out)
        elif room.pending_bytes > MAX_PENDING_BYTES:
            self.flush(room)
        else:
            self._put_off(room)

    def flush(self, room: HubRoom) -> None:
        """Write what is pending now; nothing while an earlier fan-out is under way."""
        if not room.pending or room.fan_out is not None:
            return
        weight = 1 + room.pending_bytes // BYTES_PER_WRITE
        batch = PreparedBatch(room.pending)
        room.pending = []
        room.pending_bytes = 0
        writes = weight * len(room.live)
        if writes > self._slice_size:
            self._begin_slices(room, batch, weight)
        else:
            self._left -= writes
            for member in _write(batch, room.live):
                self.park(member)
            room.offset = room.received
            self._end(room, batch)

    def park(self, member: Member) -> None:
        """Take a member out of the live set, with the offset that it was written to."""
        room = member.room
        if member.live:
            waits = room.fan_out is not None and room.fan_out.awaits(member)
            member.offset = room.fan_out.since if room.fan_out and waits else room.offset
            member.live = False
        member.turn += 1
        room.live.pop(member, None)
        room.ahead.pop(member, None)

    def settle(self, member: Member) -> bool:
        """Make a member live that stands at the log's end as far as this node knows it."""
        room = member.room
        if room.offset < member.offset:
            self.flush(room)
        room.ahead.pop(member, None)
        if member.offset < room.offset:
            return False
        if member.offset > room.offset:
            room.ahead[member] = None
        else:
            room.live[member] = None
            member.live = True
        return True

    def _put_off(self, room: HubRoom) -> None:
        self._dirty[room] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        """Write what a turn of the loop takes, to one room after the other."""
        self._scheduled = False
        self._left = self._slice_size
        dirty, self._dirty = self._dirty, {}
        rooms = iter(dirty)
        for room in rooms:
            if room.fan_out is None:
                self.flush(room)
            else:
                self._write_slice(room, room.fan_out)
            if self._left <= 0:
                break
        # Who was not written to yet precedes who was: a large room keeps nobody waiting.
        begun, self._dirty = self._dirty, {}
        for room in (*rooms, *begun):
            self._put_off(room)

    def _begin_slices(self, room: HubRoom, batch: PreparedBatch, weight: int) -> None:
        """Move the room's offset on at once: who is still to be written to is in the slices."""
        room.fan_out = Slices(batch, weight, room.offset, list(room.live))
        room.offset = room.received
        self._write_slice(room, room.fan_out)

    def _write_slice(self, room: HubRoom, slices: Slices) -> None:
        count = max(1, self._slice_size // slices.weight)
        members = slices.take(count)
        self._left -= len(members) * slices.weight
        for member in _write(slices.batch, members):
            self.park(member)
        slices.next += count
        if slices.next < len(slices.members):
            self._put_off(room)
            return
        room.fan_out = None
        self._end(room, slices.batch)
        if room.pending:
            self._put_off(room)

    def _leave_to_log(self, room: HubRoom, slices: Slices) -> None:
        """Give a fan-out up that is slower than its publishers: who is live falls behind."""
        behind = list(room.live)
        for member in behind:
            self.park(member)
        room.fan_out = None
        self._end(room, slices.batch)
        self.flush(room)
        for member in behind:
            self._fall_behind(member)

    def _end(self, room: HubRoom, batch: PreparedBatch) -> None:
        """Count who missed something, and let those hear it who are no live members."""
        messages = batch.messages
        behind = len(room.members) - len(room.live)
        if behind:
            self.volatile_dropped += behind * sum(message.last == 0 for message in messages)
        if room.ahead:
            self._write_ahead(room, messages)
        if room.listeners:
            for listener in list(room.listeners):
                for message in messages:
                    listener(message)

    def _write_ahead(self, room: HubRoom, messages: Sequence[PreparedMessage]) -> None:
        end = room.offset  # settling a member may begin the next fan-out
        for member in list(room.ahead):
            news = [message for message in messages if message.last > member.offset]
            if news and news[0].first <= member.offset:  # it has read a part of what was joined
                self.park(member)
                self._fall_behind(member)
                continue
            if news and not member.write(PreparedBatch(news)):
                self.park(member)
                continue
            member.offset = max(member.offset, end)
            if not self.settle(member):
                self._fall_behind(member)


def _write(batch: PreparedBatch, members: Iterable[Member]) -> list[Member]:
    """Write to members, and return those who could not be written to.

    A delivery touches as few objects as it can: in a large room each of them is far from the
    processor.
    """
    behind: list[Member] = []
    for member in members:
        writer = member.writer
        if writer is not None and writer.is_direct and not writer.stalled:
            writer.write_batch(batch, member.positions)
        elif not member.write(batch):
            behind.append(member)
    return behind
