"""The rooms that a client is in: reference counts, positions, and resuming them."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from longwire import wire
from longwire.background import new_optional_future
from longwire.client.answers import read_first, read_rejection, room_error
from longwire.client.rooms.membership import (
    JoinResult,
    Membership,
    Reader,
    RoomReset,
    RoomStatus,
    Sender,
    Start,
    check_name,
    has_joined,
)
from longwire.errors import BrokerUnavailable, LongwireError, NotConnected
from longwire.log import Cursor, Verdict
from longwire.types import Position
from longwire.wire import JOIN_ROOM, LEAVE_ROOM, PING, ROOM_RESET, JoinAck, RoomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from longwire.client.handlers.subscription import Subscription
    from longwire.wire import Fault

logger = logging.getLogger("longwire.client")

LIVE = RoomStatus.LIVE  # an enumeration's member costs more to reach


class Rooms:
    """Memberships, and their fate over connections.

    Args:
        on_reset: called when a room starts over, before its first replayed event.
        on_settled: called when a room has become live.
        on_denied: called when the server refuses a room, with the reason.
        backoff: says how long to wait before the nth try at a log that cannot be read.
    """

    __slots__ = (
        "_backoff",
        "_grace",
        "_members",
        "_on_denied",
        "_on_reset",
        "_on_settled",
        "_sender",
        "lost",
        "resumed",
    )

    def __init__(
        self,
        on_reset: Callable[[RoomReset], None],
        on_settled: Callable[[str], None],
        on_denied: Callable[[LongwireError, str], None],
        backoff: Callable[[int], float],
    ) -> None:
        self._backoff = backoff
        self._members: dict[str, Membership] = {}
        self._on_reset = on_reset
        self._on_settled = on_settled
        self._on_denied = on_denied
        self._sender: Sender | None = None
        self._grace: float | None = None
        self.resumed = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._members)

    def status(self, room: str) -> RoomStatus | None:
        """Where a room stands; None for one that nobody joined."""
        member = self._members.get(room)
        return member.status if member is not None else None

    def position(self, room: str) -> Position | None:
        """Up to where a room's events were handed out."""
        member = self._members.get(room)
        return member.cursor.position if member is not None and member.cursor else None

    # Joining and leaving

    def join(self, room: str, start: Start) -> asyncio.Future[JoinResult]:
        """Add a reference; the first one joins. The future ends with the server's answer.

        A refusal takes the reference back, and so does who cancels the future.

        Raises:
            LocalProtocolError: that is no name of a room.
        """
        check_name(room)
        member = self._members.get(room)
        if member is None:
            member = self._members[room] = Membership(room, start)
        member.references += 1
        answer: asyncio.Future[JoinResult] = new_optional_future()
        is_member = member.status in (RoomStatus.LIVE, RoomStatus.CATCHING_UP)
        if self._sender is None or is_member or member.retry is not None:
            answer.set_result(member.result)
        else:
            member.waiters.append(answer)
            answer.add_done_callback(partial(self._receive_cancellation, member))
            if not member.asking:
                self._ask(member)
        return answer

    def leave(self, room: str) -> None:
        """Drop a reference; the last one leaves the room, now or when there is a connection."""
        member = self._members.get(room)
        if member is None or member.references == 0:
            return
        member.references -= 1
        self._release(member)

    def stay_in(self, room: str, start: Start = None) -> Callable[[], None]:
        """Join a room; return a function that takes the join back."""
        return partial(self._take_back, room, self.join(room, start))

    def _take_back(self, room: str, answer: asyncio.Future[JoinResult]) -> None:
        """Drop the reference of one join, unless it was denied."""
        if not answer.done():
            answer.cancel()
        elif has_joined(answer):
            self.leave(room)

    def _receive_cancellation(self, member: Membership, answer: asyncio.Future[JoinResult]) -> None:
        if answer.cancelled():
            member.references -= 1
            if self._members.get(member.room) is member:
                self._release(member)

    def grant(self, rooms: Iterable[str]) -> None:
        """Hold the rooms that sign-in granted, and no longer those that it granted before."""
        granted = set(rooms)
        for room in granted:
            member = self._members.get(room)
            if member is None:
                member = self._members[room] = Membership(room, None)
            member.granted = True
        for member in [m for m in self._members.values() if m.granted and m.room not in granted]:
            member.granted = False
            self._release(member)
        self._ask_pending()

    def _release(self, member: Membership) -> None:
        if member.references or member.granted:
            return
        self._forget(member, NotConnected(f"room {member.room!r} was left"))
        if self._sender is not None:
            self._sender.send(LEAVE_ROOM, (member.room,))

    def _forget(self, member: Membership, error: Exception) -> None:
        self._members.pop(member.room, None)
        member.stop_retrying()
        member.fail(error)

    # Connections come and go

    def resume(
        self, sender: Sender, grace: float | None = None
    ) -> list[asyncio.Future[JoinResult]]:
        """Join everything over a new connection; the futures end with the answers.

        After `grace` seconds a join counts as done: a stock server may never answer.
        """
        self._sender = sender
        self._grace = grace
        for member in self._members.values():
            member.asking = member.held_back = False
        return self._ask_pending()

    def suspend(self) -> None:
        """The connection is gone; every room waits for the next one."""
        self._sender = None
        for member in self._members.values():
            member.suspend()

    def give_up(self) -> None:
        """Tell everyone who waits that there is no connection; rooms wait for the next one."""
        for member in self._members.values():
            member.settle(member.result)

    def _ask_pending(self) -> list[asyncio.Future[JoinResult]]:
        answers: list[asyncio.Future[JoinResult]] = []
        waiting = (RoomStatus.JOINING, RoomStatus.LOST, RoomStatus.DENIED)
        for member in list(self._members.values()):
            if member.status not in waiting or member.asking or self._sender is None:
                continue
            answer: asyncio.Future[JoinResult] = new_optional_future()
            member.attempts.append(answer)
            answers.append(answer)
            self._ask(member)
        return answers

    def _ask(self, member: Membership) -> None:
        if self._sender is None:
            return
        member.stop_retrying()
        member.asking = True
        member.turn += 1
        turn = member.turn

        def answered(values: list[object] | None) -> None:
            if values is not None and member.turn == turn and member.asking:
                self._receive_answer(member, values)

        self._sender.request(JOIN_ROOM, member.question(), answered)
        if self._grace is not None:
            asyncio.get_running_loop().call_later(self._grace, answered, list[object]())

    # What the server says

    def _receive_answer(self, member: Membership, values: list[object]) -> None:
        if self._members.get(member.room) is not member:
            return
        fault = read_rejection(values)
        if fault is None:
            self._accept_join(member, read_first(values, JoinAck))
        else:
            self._refuse(member, fault)

    def _refuse(self, member: Membership, fault: Fault) -> None:
        if fault.code == BrokerUnavailable.code:
            self._ask_later(member)
        else:
            self._deny(member, fault)

    def _ask_later(self, member: Membership) -> None:
        """Ask again by itself: the log cannot be read now, and nobody denied anything."""
        member.asking = True  # what comes meanwhile will be replayed
        member.stop_retrying()
        if member.status is RoomStatus.LIVE:
            member.status = RoomStatus.CATCHING_UP
        elif member.status is RoomStatus.DENIED:
            member.status = RoomStatus.JOINING if member.cursor is None else RoomStatus.LOST
        member.failures += 1
        delay = self._backoff(member.failures)
        logger.info("room %r cannot be read now; next try in %.1f s", member.room, delay)
        member.retry = asyncio.get_running_loop().call_later(delay, self._ask_again, member)
        member.settle(member.result)

    def _ask_again(self, member: Membership) -> None:
        member.retry = None
        self._ask(member)

    def _accept_join(self, member: Membership, answer: JoinAck) -> None:
        member.asking = False
        member.failures = 0
        member.recovered = answer.recovered
        member.target = answer.offset
        if not answer.epoch:
            pass  # a stock server knows no logs
        elif member.cursor is None:
            self._begin(member, answer)
        elif answer.recovered and answer.epoch == member.cursor.epoch:
            self.resumed += 1
            if member.offset < member.asked_from:  # a late reader came while this was asked
                self._ask(member)
        else:
            self._begin_again(member, member.cursor, answer)
        self.settle(member)
        if member.status is RoomStatus.CATCHING_UP:
            self._expect_replay(member)
        if member.waiters and self._sender is not None:
            # Who awaits a join must be able to subscribe before the first replayed event.
            self._sender.pause()
        member.settle(msgspec.structs.replace(member.result, offset=answer.offset))

    def _expect_replay(self, member: Membership) -> None:
        """Notice a replay that has nothing to say: all was dropped by retention.

        The first piece of a replay follows the answer at once, before that to a later question.
        """
        turn, offset = member.turn, member.offset

        def answered(values: list[object] | None) -> None:
            said_nothing = member.turn == turn and member.offset == offset
            if values is not None and said_nothing and not member.is_blocked:
                self._become_live(member)

        if self._sender is not None:
            self._sender.request(PING, (), answered)

    def _begin(self, member: Membership, answer: JoinAck) -> None:
        """Take the first answer of a room."""
        skips = member.start == "now"
        member.cursor = Cursor(answer.epoch, answer.offset if skips else 0)
        if member.offset < member.cursor.offset:
            self._ask(member)

    def _begin_again(self, member: Membership, cursor: Cursor, answer: JoinAck) -> None:
        """Take the answer that the position is gone: the retained log comes whole."""
        if answer.epoch == cursor.epoch and not cursor.offset:
            return  # nothing was handed out yet that a reset could take back
        only_readers = answer.epoch == cursor.epoch and member.asked_from < cursor.offset
        if not only_readers:
            self._restart(member, answer)
            return
        reset = RoomReset(member.room, Position(answer.epoch, answer.offset))
        for reader in member.readers:
            reader.offset = 0
            if ROOM_RESET in reader.subscription.names:
                reader.subscription.push((reset,))

    def _deny(self, member: Membership, fault: Fault) -> None:
        member.asking = False
        member.status = RoomStatus.DENIED
        error = room_error(fault, member.room)
        member.references -= sum(not waiter.done() for waiter in member.waiters)
        logger.warning("room %r is denied: %s", member.room, error)
        if member.references or member.granted:
            member.fail(error)
        else:
            self._forget(member, error)
        self._on_denied(error, member.room)

    def receive_reset(self, values: list[object]) -> None:
        """Take the event `room_reset`: what follows starts over."""
        reset = read_first(values, wire.RoomReset)
        member = self._members.get(reset.room)
        if member is not None:
            member.target = reset.offset
            self._restart(member, reset)
            self.settle(member)

    def receive_error(self, values: list[object]) -> None:
        """Take the event `room_error`: the server took this client out of a room."""
        rejection = read_first(values, RoomError)
        member = self._members.get(rejection.room or "")
        if member is not None:
            self._refuse(member, rejection.error)

    def _restart(self, member: Membership, answer: JoinAck | wire.RoomReset) -> None:
        member.cursor = Cursor(answer.epoch)
        self.lost += 1
        # Late readers first: they hear of it too, and start together with everybody.
        for reader in member.readers:
            reader.join()
        member.readers.clear()
        self._on_reset(RoomReset(member.room, Position(answer.epoch, answer.offset)))

    # Events

    def find(self, room: str) -> Membership | None:
        """Return the membership of a room, if there is one."""
        return self._members.get(room)

    def advance(self, room: str, offset: int) -> bool:
        """Whether an event is simply the next one of a live room, which then has passed it.

        What `accept` does for almost every event. False says nothing: ask `accept`.
        """
        member = self._members.get(room)
        if member is None or member.status is not LIVE or member.asking or member.readers:
            return False
        cursor = member.cursor
        if cursor is None or offset != cursor.offset + 1:
            return False
        cursor.offset = offset
        return True

    def accept(self, member: Membership, first: int, last: int) -> bool:
        """Whether to hand out an event that stands for `first`…`last` of the room's log.

        A gap asks for what is missing; everything from there on is replayed, so it is refused
        until then.
        """
        cursor = member.cursor
        if cursor is None or member.is_blocked:
            return False
        if first == member.target + 1 and cursor.offset < member.target:
            # The replay was over, and short: retention had dropped its end.
            cursor.offset = member.target
        if member.readers and first <= cursor.offset < last:
            # Replayed for a reader from further back: its text may be what was handed out.
            verdict = Verdict.GAP
        else:
            verdict = cursor.take(first, last)
        if verdict is Verdict.GAP:
            self._ask_for_missing(member)
        return verdict is Verdict.APPLY

    def accept_late(self, member: Membership, first: int, last: int) -> tuple[Subscription, ...]:
        """Return the late readers to hand an event out to."""
        if member.is_blocked:
            return ()
        readers, missing = member.advance_readers(first, last)
        if missing:
            self._ask_for_missing(member)
        return tuple(reader.subscription for reader in readers)

    def _ask_for_missing(self, member: Membership) -> None:
        member.status = RoomStatus.CATCHING_UP
        self._ask(member)

    def settle(self, member: Membership) -> None:
        """Notice whether the replay has reached its end, and late readers the membership."""
        offset = member.cursor.offset if member.cursor is not None else 0
        for reader in [r for r in member.readers if r.offset == offset and not member.asking]:
            member.readers.remove(reader)
            reader.join()
        behind = bool(member.readers) or offset < member.target or member.is_blocked
        status = RoomStatus.CATCHING_UP if behind and member.cursor else RoomStatus.LIVE
        if status is RoomStatus.LIVE:
            self._become_live(member)
        else:
            member.status = status

    def _become_live(self, member: Membership) -> None:
        if member.status is not RoomStatus.LIVE:
            member.status = RoomStatus.LIVE
            self._on_settled(member.room)

    def read_late(self, room: str, subscription: Subscription, join: Callable[[], None]) -> None:
        """Let a subscription hear a joined room from its beginning; `join` makes it one of all."""
        member = self._members[room]
        member.readers.append(Reader(subscription, join))
        if member.status in (RoomStatus.LIVE, RoomStatus.CATCHING_UP):
            member.status = RoomStatus.CATCHING_UP
            if member.cursor is not None and member.cursor.offset and not member.is_blocked:
                self._ask(member)
            self.settle(member)

    def forget_late(self, room: str, subscription: Subscription) -> None:
        """Read no further for a subscription that ended."""
        member = self._members.get(room)
        if member is not None:
            member.readers = [r for r in member.readers if r.subscription is not subscription]

    def hold_back(self, member: Membership) -> None:
        """Leave a room for now; what is missed meanwhile is replayed by `release`."""
        if self._sender is not None and not member.held_back:
            member.held_back = True
            member.status = RoomStatus.CATCHING_UP
            self._sender.send(LEAVE_ROOM, (member.room,))

    def release(self) -> None:
        """Resume the rooms that were held back."""
        for member in self._members.values():
            if member.held_back:
                member.held_back = False
                self._ask(member)
