"""The rooms of this node and the members in them.

A member is a cursor into its room's log. A member at the log's end is *live*: the fan-out writes
new entries to it. Every other member is fed from the log by `Hub._catch_up` until it is live
again: after a join, a resume, a stalled transport, or a hole in what the broker delivered.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.errors import BrokerUnavailable
from longwire.log.publication import Draft, Publication
from longwire.prepared import PreparedMessage
from longwire.server.rooms.fanout import Fanout
from longwire.server.rooms.replay import Replay, Replays
from longwire.server.rooms.room import HubRoom, Listener, Member, Recipient
from longwire.server.statistics import Statistics
from longwire.types import Position

Observer = Callable[[str, Publication], None]

# Seconds until a log that could not be read is read again for a lagging member.
READ_AGAIN = 0.25

# Slices of logs that are read concurrently and written in one turn of the loop, at most half a
# megabyte each: live members must not wait while a thousand others catch up.
CONCURRENT_SLICES = 8


class Joined(msgspec.Struct, frozen=True):
    """The outcome of a join.

    Attributes:
        position: the log's end at the moment of the join.
        recovered: whether the member continues at the position that it asked for.
    """

    position: Position
    recovered: bool


class Hub:
    """Keeps the members of rooms on this node and delivers to them what the broker delivers.

    Args:
        broker: stores the logs.
        replay_slice: publications that are read from a log at a time.
        fanout_slice: writes per turn of the event loop.
        statistics: counts deliveries and resumes.
    """

    def __init__(
        self,
        broker: Broker,
        replay_slice: int = 100,
        fanout_slice: int = 500,
        statistics: Statistics | None = None,
    ) -> None:
        self._broker = broker
        self._replays = Replays(broker, replay_slice)
        self._rooms: dict[str, HubRoom] = {}
        self._observers: dict[str, Observer] = {}
        self._reset_observers: dict[str, Callable[[Position], None]] = {}
        self._on_first: Callable[[str], None] | None = None
        self._on_last: Callable[[str], None] | None = None
        self._statistics = statistics or Statistics()
        self._fanout = Fanout(fanout_slice, self._feed, self._statistics)
        self._feeders = BackgroundTasks()
        self._slices = asyncio.Semaphore(CONCURRENT_SLICES)

    @property
    def volatile_dropped(self) -> int:
        """How many volatile events were dropped for members that lagged."""
        return self._fanout.volatile_dropped

    # Deliveries of the broker (see `longwire.broker.base.Receiver`)

    def receive_publication(self, room: str, publication: Publication) -> None:
        """Deliver the next entry of a room's log; after a hole, all members read the log."""
        observer = self._observers.get(publication.event)
        if observer is not None:
            observer(room, publication)
        hub_room = self._rooms.get(room)
        if hub_room is None or publication.last <= hub_room.received:
            return
        if publication.first != hub_room.received + 1 and hub_room.epoch:
            self._leave_live(hub_room)
        hub_room.received = publication.last
        self._fanout.append(hub_room, PreparedMessage.of(publication, room))

    def receive_volatile(self, room: str, draft: Draft) -> None:
        """Deliver an event that is not in the log."""
        hub_room = self._rooms.get(room)
        if hub_room is not None:
            self._fanout.append(hub_room, PreparedMessage.volatile(draft.event, draft.data))

    def receive_reset(self, room: str, position: Position) -> None:
        """Notify all members that the room's log was replaced, and replay the new one."""
        observer = self._reset_observers.get(room)
        if observer is not None:
            observer(position)
        hub_room = self._rooms.get(room)
        if hub_room is None or hub_room.epoch == position.epoch:
            return
        hub_room.pending = []
        hub_room.pending_bytes = 0
        hub_room.slices = None
        hub_room.epoch = position.epoch
        hub_room.offset = hub_room.received = position.offset
        for member in hub_room.members.values():
            self._fanout.park(member)
            member.offset = 0
            member.recipient.receive_room_reset(room, position)
            self._feed(member)

    def observe(self, event: str, observer: Observer) -> None:
        """Call `observer` with every publication of this event, before members receive it.

        The broker delivers the rooms that have members or listeners on this node. An event has
        one observer.
        """
        self._observers[event] = observer

    def observe_reset(self, room: str, observer: Callable[[Position], None]) -> None:
        """Call `observer` with the end of the new log when the log of `room` was replaced."""
        self._reset_observers[room] = observer

    def watch_members(
        self, on_first: Callable[[str], None], on_last: Callable[[str], None]
    ) -> None:
        """Call back with the name of each room that gets its first member, and loses its last."""
        self._on_first, self._on_last = on_first, on_last

    def unwatch_members(self) -> None:
        """Stop the calls of `watch_members`."""
        self._on_first = self._on_last = None

    # Membership

    @property
    def rooms(self) -> Mapping[str, HubRoom]:
        """The rooms that have members or listeners on this node, by name."""
        return self._rooms

    def is_member(self, recipient: Recipient, room: str) -> bool:
        """Return whether `recipient` is in `room`."""
        hub_room = self._rooms.get(room)
        return hub_room is not None and recipient in hub_room.members

    def members(self, room: str) -> list[Recipient]:
        """Return the members of `room` on this node."""
        hub_room = self._rooms.get(room)
        return list(hub_room.members) if hub_room is not None else []

    async def join(
        self,
        recipient: Recipient,
        room: str,
        position: Position | Literal["now"] | None,
        acknowledge: Callable[[Joined], None],
    ) -> None:
        """Make `recipient` a member and send it what follows `position`; None replays the log.

        Calls `acknowledge` before the first event of the room is written. Joining again without a
        position changes nothing; with one, the recipient is fed from there.

        Raises:
            BrokerUnavailable: the log cannot be read; the membership is unchanged.
        """
        hub_room = await self._hold(room)
        try:
            if position == "now" or self._misses_nothing(hub_room, recipient, position):
                self._join_now(hub_room, recipient, acknowledge, recovered=position == hub_room.end)
            elif recipient in hub_room.members:
                await self._join_from(hub_room, recipient, position, acknowledge)
            else:
                async with self._slice_permit():
                    await self._join_from(hub_room, recipient, position, acknowledge)
        finally:
            await self._release(hub_room)

    async def leave(self, recipient: Recipient, room: str) -> bool:
        """End a membership; return False if there was none."""
        hub_room = self._rooms.get(room)
        if hub_room is None or recipient not in hub_room.members:
            return False
        self._remove(hub_room, recipient)
        await self._close_if_empty(hub_room)
        return True

    async def leave_all(self, recipient: Recipient, rooms: Iterable[str]) -> None:
        """End the memberships of a socket that was closed."""
        left = [self._rooms[room] for room in rooms if self.is_member(recipient, room)]
        for hub_room in left:
            self._remove(hub_room, recipient)
        for hub_room in left:
            await self._close_if_empty(hub_room)

    async def listen(self, room: str, listener: Listener) -> None:
        """Call `listener` with every event of `room` from now on."""
        hub_room = await self._hold(room)
        hub_room.listeners[listener] = None
        await self._release(hub_room)

    async def unlisten(self, room: str, listener: Listener) -> None:
        """Stop calling `listener`."""
        hub_room = self._rooms.get(room)
        if hub_room is not None:
            hub_room.listeners.pop(listener, None)
            await self._close_if_empty(hub_room)

    def resume(self, recipient: Recipient, rooms: Iterable[str]) -> None:
        """Feed a recipient whose transport has drained."""
        for room in rooms:
            hub_room = self._rooms.get(room)
            member = hub_room.members.get(recipient) if hub_room is not None else None
            if member is not None and not member.live:
                self._feed(member)

    def is_feeding(self, recipient: Recipient, rooms: Iterable[str]) -> bool:
        """Return whether a recipient is being sent what is in one of these rooms' logs."""
        for room in rooms:
            hub_room = self._rooms.get(room)
            member = hub_room.members.get(recipient) if hub_room is not None else None
            if member is not None and member.feeding:
                return True
        return False

    def forget_writer(self, recipient: Recipient, rooms: Iterable[str]) -> None:
        """Write to a recipient through its `write` again, after its `writer` has changed."""
        for room in rooms:
            hub_room = self._rooms.get(room)
            member = hub_room.members.get(recipient) if hub_room is not None else None
            if member is not None:
                member.writer = None

    async def close(self) -> None:
        """Stop all feeders and forget all rooms; the broker drops its subscriptions when closed."""
        self._feeders.cancel()
        await self._feeders.wait(return_exceptions=True)
        self._rooms.clear()
        self._replays.clear()
        # A semaphore belongs to the event loop that used it; the server may start in another one.
        self._slices = asyncio.Semaphore(CONCURRENT_SLICES)

    @staticmethod
    def _misses_nothing(hub_room: HubRoom, recipient: Recipient, position: Position | None) -> bool:
        """Whether a join need not read the log."""
        if recipient in hub_room.members:
            return position is None
        return hub_room.received == 0 if position is None else position == hub_room.end

    def _join_now(
        self,
        hub_room: HubRoom,
        recipient: Recipient,
        acknowledge: Callable[[Joined], None],
        *,
        recovered: bool,
    ) -> None:
        end = hub_room.end
        acknowledge(Joined(end, recovered))
        if recovered:
            self._count_resume(recovered=True)
        if recipient not in hub_room.members:
            member = self._add(hub_room, recipient)
            member.offset = end.offset
            self._go_live_or_feed(member)

    async def _join_from(
        self,
        hub_room: HubRoom,
        recipient: Recipient,
        position: Position | None,
        acknowledge: Callable[[Joined], None],
    ) -> None:
        replay = await self._replays.read(hub_room, position)
        member = self._add(hub_room, recipient)
        acknowledge(Joined(replay.position, replay.recovered))
        if position is not None:
            self._count_resume(recovered=replay.recovered)
        member.offset = position.offset if position is not None and replay.recovered else 0
        if not self._write_replay(member, replay):
            return
        if replay.complete:
            member.offset = replay.position.offset
            self._go_live_or_feed(member)
        else:
            self._feed(member)

    def _count_resume(self, *, recovered: bool) -> None:
        if recovered:
            self._statistics.resumes += 1
        else:
            self._statistics.resets += 1

    # Opening and closing rooms

    async def _hold(self, name: str) -> HubRoom:
        """Open a room, or keep it open, until `_release`."""
        hub_room = self._rooms.get(name)
        if hub_room is None:
            hub_room = self._rooms[name] = HubRoom(name)
            hub_room.opened = asyncio.get_running_loop().create_future()
            hub_room.holds += 1
            await self._subscribe(hub_room, hub_room.opened)
            return hub_room
        hub_room.holds += 1
        if hub_room.opened is not None:
            try:
                await asyncio.shield(hub_room.opened)
            except BaseException:
                await self._release(hub_room)
                raise
        return hub_room

    async def _release(self, hub_room: HubRoom) -> None:
        hub_room.holds -= 1
        await self._close_if_empty(hub_room)

    async def _subscribe(self, hub_room: HubRoom, opened: asyncio.Future[None]) -> None:
        try:
            await self._broker.subscribe(hub_room.name)
            position = await self._broker.position(hub_room.name)
        except BaseException as error:
            del self._rooms[hub_room.name]
            opened.set_exception(BrokerUnavailable(str(error)))
            opened.exception()  # marks it as retrieved: there may be no other waiter
            raise
        hub_room.epoch = position.epoch
        # Entries may have been delivered since the subscription; they lie beyond the position or
        # are included in it.
        hub_room.received = max(hub_room.received, position.offset)
        if not hub_room.pending:
            hub_room.offset = hub_room.received
        hub_room.opened = None
        opened.set_result(None)

    async def _close_if_empty(self, hub_room: HubRoom) -> None:
        if hub_room.members or hub_room.listeners or hub_room.holds:
            return
        if self._rooms.get(hub_room.name) is hub_room:
            del self._rooms[hub_room.name]
            await self._broker.unsubscribe(hub_room.name)

    def _add(self, hub_room: HubRoom, recipient: Recipient) -> Member:
        member = hub_room.members.get(recipient)
        if member is None:
            member = hub_room.members[recipient] = Member(hub_room, recipient)
            if self._on_first is not None and len(hub_room.members) == 1:
                self._on_first(hub_room.name)
        else:
            self._fanout.park(member)
        return member

    def _remove(self, hub_room: HubRoom, recipient: Recipient) -> None:
        self._fanout.park(hub_room.members.pop(recipient))
        if self._on_last is not None and not hub_room.members:
            self._on_last(hub_room.name)

    def _leave_live(self, hub_room: HubRoom) -> None:
        self._fanout.flush(hub_room)
        for member in hub_room.members.values():
            self._fanout.park(member)
            self._feed(member)

    # Catching up

    def _go_live_or_feed(self, member: Member) -> None:
        if not self._fanout.try_go_live(member):
            self._feed(member)

    def _feed(self, member: Member) -> None:
        if member.feeding:
            return
        member.feeding = True
        self._feeders.start(self._catch_up(member))

    async def _catch_up(self, member: Member) -> None:
        """Feed one member from the log until it is live, its transport stalls, or it has left."""
        try:
            while await self._catch_up_slice(member):
                pass
        finally:
            member.feeding = False

    async def _catch_up_slice(self, member: Member) -> bool:
        """Write one slice; return whether the member needs another one."""
        await asyncio.sleep(0)
        try:
            async with self._slice_permit():
                return await self._write_slice(member)
        except BrokerUnavailable:
            await asyncio.sleep(READ_AGAIN)
            return True

    async def _write_slice(self, member: Member) -> bool:
        hub_room, turn = member.room, member.turn
        if member.live or member in hub_room.ahead or not self._is_current(member):
            return False
        since = Position(hub_room.epoch, member.offset) if member.offset else None
        replay = await self._replays.read(hub_room, since)
        # Meanwhile the member may have left, or joined again from another position.
        if not self._is_current(member):
            return False
        if member.turn != turn:
            return True
        if since is not None and not replay.recovered:
            member.offset = 0
            member.recipient.receive_room_reset(hub_room.name, replay.position)
        if not self._write_replay(member, replay):
            return False
        if not replay.complete:
            return True
        # There is no await between here and the live set, so no entry can be missed in between.
        member.offset = replay.position.offset
        return not self._fanout.try_go_live(member)

    @asynccontextmanager
    async def _slice_permit(self) -> AsyncGenerator[None]:
        """Wait in line for one of the slices that a turn of the loop may write."""
        await self._slices.acquire()
        try:
            yield
        finally:
            # In the next turn: released at once, the permits would serve any number in this one.
            asyncio.get_running_loop().call_soon(self._slices.release)

    def _is_current(self, member: Member) -> bool:
        return member.room.members.get(member.recipient) is member

    def _write_replay(self, member: Member, replay: Replay) -> bool:
        messages = replay.batch.messages
        if not messages:
            return True
        if not member.write(replay.batch):
            return False
        self._statistics.deliveries += len(messages)
        self._statistics.replayed += len(messages)
        member.offset = messages[-1].last
        return True
