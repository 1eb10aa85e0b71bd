"""Writes new entries of rooms to their live members.

Everything that arrives for a room within one turn of the event loop is written to each member in
one write. A turn makes a bounded number of writes, over all rooms, so that the loop is never held
for more than a few milliseconds. The rest is written in the next turns: a large room is written in
slices, and entries that arrive meanwhile wait for its last slice, so that they stay in order.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.rooms.room import HubRoom, Member, Slices
from longwire.server.statistics import Statistics

# Payload bytes that wait for the end of the turn. More is written at once, so that a member whose
# transport stalls is noticed before the next batch is written to it.
MAX_PENDING_BYTES = 256 * 1024

# Payload bytes that wait for a fan-out in slices. Beyond that, the room's members read the log.
MAX_BACKLOG_BYTES = 4 * 1024 * 1024

# Bytes that cost the system as much as the call that writes them: some 10 µs.
BYTES_PER_WRITE = 32 * 1024


class Fanout:
    """Collects what rooms receive and writes it to their live members.

    A member is in exactly one of three states: live (in `room.live`, written to here), ahead (in
    `room.ahead`, it has read entries from the log that are still pending here), or behind (fed
    from the log by the hub). Every method below keeps that, and is synchronous: no entry can
    arrive between reading a member's state and changing it.

    Args:
        slice_size: small writes per turn of the loop; a large write counts for several.
        fall_behind: called with each member that must be fed from the log.
        statistics: counts deliveries.
    """

    def __init__(
        self, slice_size: int, fall_behind: Callable[[Member], None], statistics: Statistics
    ) -> None:
        self._slice_size = slice_size
        self._fall_behind = fall_behind
        self._statistics = statistics
        self._dirty: dict[HubRoom, None] = {}  # rooms to write in the next turn, in this order
        self._is_scheduled = False
        self._budget = 0  # small writes that are left in this turn
        self.volatile_dropped = 0

    def append(self, room: HubRoom, message: PreparedMessage) -> None:
        """Write `message` to the live members in the next turn, or now if much is pending."""
        room.pending.append(message)
        room.pending_bytes += len(message.data)
        if room.slices is not None and room.pending_bytes > MAX_BACKLOG_BYTES:
            self._abandon(room, room.slices)
        elif room.pending_bytes > MAX_PENDING_BYTES:
            self.flush(room)
        else:
            self._schedule(room)

    def flush(self, room: HubRoom) -> None:
        """Write what is pending now, unless a fan-out in slices is under way."""
        if not room.pending or room.slices is not None:
            return
        weight = 1 + room.pending_bytes // BYTES_PER_WRITE
        batch = PreparedBatch(room.pending)
        room.pending = []
        room.pending_bytes = 0
        writes = weight * len(room.live)
        if writes > self._slice_size:
            self._start_slices(room, batch, weight)
        else:
            self._budget -= writes
            self._statistics.deliveries += len(batch.messages) * len(room.live)
            # Members that stalled are parked before the offset moves: they stand before the batch.
            for member in _write(batch, room.live):
                self.park(member)
            room.offset = room.received
            self._finish(room, batch)

    def park(self, member: Member) -> None:
        """Remove a member from the live set and record the offset that it was written to."""
        room = member.room
        if member.live:
            # The room's offset is already behind the batch of a fan-out in slices.
            is_waiting = room.slices is not None and room.slices.includes(member)
            member.offset = room.slices.since if room.slices and is_waiting else room.offset
            member.live = False
        member.turn += 1
        room.live.pop(member, None)
        room.ahead.pop(member, None)

    def try_go_live(self, member: Member) -> bool:
        """Make a member live or ahead; return False if the room has entries that it lacks."""
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

    def _schedule(self, room: HubRoom) -> None:
        self._dirty[room] = None
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._run_turn)

    def _run_turn(self) -> None:
        """Write to one room after the other until the turn's writes are spent."""
        self._is_scheduled = False
        self._budget = self._slice_size
        dirty, self._dirty = self._dirty, {}
        rooms = iter(dirty)
        for room in rooms:
            if room.slices is None:
                self.flush(room)
            else:
                self._write_slice(room, room.slices)
            if self._budget <= 0:
                break
        # Rooms that this turn did not reach precede those that it began, whose next slices were
        # scheduled meanwhile: a large room must not delay the others.
        begun, self._dirty = self._dirty, {}
        for room in (*rooms, *begun):
            self._schedule(room)

    def _start_slices(self, room: HubRoom, batch: PreparedBatch, weight: int) -> None:
        """Begin a fan-out in slices.

        The room's offset moves at once, so that members which become live meanwhile need not
        receive the batch. The slices record which members have yet to receive it.
        """
        room.slices = Slices(batch, weight, room.offset, list(room.live))
        room.offset = room.received
        self._write_slice(room, room.slices)

    def _write_slice(self, room: HubRoom, slices: Slices) -> None:
        count = max(1, self._slice_size // slices.weight)
        members = slices.slice(count)
        self._budget -= len(members) * slices.weight
        self._statistics.deliveries += len(slices.batch.messages) * len(members)
        for member in _write(slices.batch, members):
            self.park(member)  # before `next` moves, so that it counts as not written to
        slices.next += count
        if slices.next < len(slices.members):
            self._schedule(room)
            return
        room.slices = None
        self._finish(room, slices.batch)
        if room.pending:
            self._schedule(room)

    def _abandon(self, room: HubRoom, slices: Slices) -> None:
        """Abandon a fan-out that cannot keep up; its live members fall behind and read the log."""
        behind = list(room.live)
        for member in behind:
            self.park(member)
        room.slices = None
        self._finish(room, slices.batch)
        self.flush(room)
        for member in behind:
            self._fall_behind(member)

    def _finish(self, room: HubRoom, batch: PreparedBatch) -> None:
        """Count the volatile messages that lagging members missed, then serve the others.

        The others are the members ahead, which may become live now, and the listeners.
        """
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
        """Write to the members ahead what they have not read, and make them live if possible."""
        end = room.offset  # `try_go_live` may flush, which moves the room's offset
        for member in list(room.ahead):
            unread = [message for message in messages if message.last > member.offset]
            # A message that joins entries cannot be cut: if the member has read some of them, it
            # must read the rest from the log.
            if unread and unread[0].first <= member.offset:
                self.park(member)
                self._fall_behind(member)
                continue
            # A stalled member is fed again when its transport has drained; see `Hub.resume`.
            if unread and not member.write(PreparedBatch(unread)):
                self.park(member)
                continue
            member.offset = max(member.offset, end)
            if not self.try_go_live(member):
                self._fall_behind(member)


def _write(batch: PreparedBatch, members: Iterable[Member]) -> list[Member]:
    """Write to members and return those whose transports stalled.

    This is the innermost loop of a delivery. In a large room none of these objects is in the
    processor's caches, so each one that is touched counts: usually the member, its writer, and
    the transport.
    """
    stalled: list[Member] = []
    for member in members:
        writer = member.writer
        if writer is not None and writer.is_direct and not writer.stalled:
            writer.write_batch(batch, member.wants_positions)
        elif not member.write(batch):
            stalled.append(member)
    return stalled
