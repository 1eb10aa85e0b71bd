"""The fan-out loop: what grows a room's log goes to every member at its end.

Everything that one loop tick brings to a room is written to each member at once. A large room is
written in slices, so that the loop is never held for more than a few milliseconds; what comes
meanwhile waits for the last slice, so the order in the room stays.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from longwire.prepared import PreparedBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.prepared import PreparedMessage
    from longwire.server.room import HubRoom, Member

# Payload bytes that wait for the end of the tick; more is written at once, so that a member whose
# transport is full is noticed before the next lot is handed to it.
MAX_PENDING_BYTES = 256 * 1024


class Fanout:
    """Writes what is pending in rooms to their live members.

    Args:
        slice_size: members written in one go.
        fall_behind: called with a member that has to be fed from the log.
    """

    def __init__(self, slice_size: int, fall_behind: Callable[[Member], None]) -> None:
        self._slice_size = slice_size
        self._fall_behind = fall_behind
        self._dirty: dict[HubRoom, None] = {}
        self._scheduled = False
        self.volatile_dropped = 0

    def append(self, room: HubRoom, message: PreparedMessage) -> None:
        """Write `message` to the room's live members before the next tick."""
        room.pending.append(message)
        room.pending_bytes += len(message.data)
        if room.pending_bytes > MAX_PENDING_BYTES:
            self.flush(room)
            return
        self._dirty[room] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_dirty)

    def flush(self, room: HubRoom) -> None:
        """Write what is pending now; nothing while an earlier fan-out is under way."""
        if not room.pending or room.fan_out is not None:
            return
        batch = PreparedBatch(room.pending)
        room.pending = []
        room.pending_bytes = 0
        if len(room.live) > self._slice_size:
            self._begin_slices(room, batch)
        else:
            for member in [m for m in room.live if not m.recipient.write(batch)]:
                self.park(member)
            self._end(room, batch)

    def park(self, member: Member) -> None:
        """Take a member out of the live set, with the offset that it was written to."""
        if member.live:
            member.offset = member.room.offset
            member.live = False
        member.turn += 1
        member.room.live.pop(member, None)
        member.room.ahead.pop(member, None)

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

    def _flush_dirty(self) -> None:
        self._scheduled = False
        dirty, self._dirty = self._dirty, {}
        for room in dirty:
            self.flush(room)

    def _begin_slices(self, room: HubRoom, batch: PreparedBatch) -> None:
        """Take every live member out of the set; each comes back once it was written to."""
        room.fan_out = batch
        members = list(room.live)
        room.live.clear()
        for member in members:
            member.live = False
            member.offset = room.offset
        since, room.offset = room.offset, _end_of(room, batch)
        turns = [member.turn for member in members]
        self._write_slice(room, batch, since, members, turns, 0)

    def _write_slice(
        self,
        room: HubRoom,
        batch: PreparedBatch,
        since: int,
        members: Sequence[Member],
        turns: Sequence[int],
        start: int,
    ) -> None:
        if room.fan_out is not batch:
            return  # the log began anew
        end = start + self._slice_size
        for member, turn in zip(members[start:end], turns[start:end], strict=True):
            if member.turn != turn or member.offset != since:
                continue  # it left, joined again or was fed from the log meanwhile
            member.turn += 1
            if member.recipient.write(batch):
                member.live = True
                room.live[member] = None
        if end < len(members):
            loop = asyncio.get_running_loop()
            loop.call_soon(self._write_slice, room, batch, since, members, turns, end)
            return
        room.fan_out = None
        self._end(room, batch)
        self.flush(room)

    def _end(self, room: HubRoom, batch: PreparedBatch) -> None:
        """Move the room's offset on, and with it who waited for that."""
        messages = batch.messages
        volatile = sum(message.last == 0 for message in messages)
        self.volatile_dropped += volatile * (len(room.members) - len(room.live))
        room.offset = _end_of(room, batch)
        if room.ahead:
            self._write_ahead(room, messages)
        for listener in list(room.listeners):
            for message in messages:
                listener(message)

    def _write_ahead(self, room: HubRoom, messages: Sequence[PreparedMessage]) -> None:
        end = room.offset  # settling a member may begin the next fan-out
        for member in list(room.ahead):
            news = [message for message in messages if message.last > member.offset]
            if news and not member.recipient.write(PreparedBatch(news)):
                self.park(member)
                continue
            member.offset = max(member.offset, end)
            if not self.settle(member):
                self._fall_behind(member)


def _end_of(room: HubRoom, batch: PreparedBatch) -> int:
    """Return where a member stands that has `batch`; volatile messages have no offset."""
    return max(room.offset, max(message.last for message in batch.messages))
