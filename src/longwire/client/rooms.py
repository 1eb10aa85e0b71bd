"""The rooms that a client is in: reference counts, positions, and resuming them."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from longwire.client.payloads import Fault, RoomAnswer, read_first
from longwire.errors import CallRefused, InvalidRoom, LongwireError, NotConnected, RoomDenied
from longwire.log import Cursor, Verdict
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger("longwire.client")

Start = Position | Literal["now"] | None
"""Where a membership begins: at a position, after the log's end, or with the retained log."""


class RoomStatus(StrEnum):
    """Where one membership stands.

    `joining`: asked for, or waiting for a connection. `catching_up`: what was missed is on its
    way. `live`: at the log's end. `denied`: the server refused; it is asked again with the next
    connection or token. `lost`: the connection is gone, and the room resumes with the next one.
    """

    JOINING = "joining"
    CATCHING_UP = "catching_up"
    LIVE = "live"
    DENIED = "denied"
    LOST = "lost"


class JoinResult(msgspec.Struct, frozen=True):
    """What a join found.

    Attributes:
        room: the room.
        epoch: the incarnation of its log; empty when unknown, as on a stock Socket.IO server.
        offset: the log's end at that moment; replay leads up to it.
        recovered: whether it went on exactly where it had been.
        status: `joining` when there is no connection yet; the join is sent with the next one.
    """

    room: str
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    status: RoomStatus = RoomStatus.LIVE


class RoomReset(msgspec.Struct, frozen=True):
    """The log of a joined room began anew: drop what was derived from it, it is replayed whole.

    Subscribe to it like to an event; it comes in order, before the first replayed event.
    """

    room: str
    position: Position


class Membership:
    """One room that somebody here wants to be in.

    Attributes:
        references: how many joins are not left yet.
        granted: whether sign-in granted it, which holds it without a reference.
        start: where the first join begins.
        cursor: how far its events were handed out; None while no position is known.
        target: the log's end when it was joined; live once the cursor is there.
        turn: counts the joins sent; an answer to an older one is ignored.
        held_back: left for now, since a handler's queue is full.
        waiters: joins that wait for the answer; a refusal takes their references back.
        attempts: resumes that wait for it.
    """

    __slots__ = (
        "asking",
        "attempts",
        "cursor",
        "granted",
        "held_back",
        "recovered",
        "references",
        "room",
        "start",
        "status",
        "target",
        "turn",
        "waiters",
    )

    def __init__(self, room: str, start: Start) -> None:
        self.room = room
        self.start: Start = start
        self.references = 0
        self.granted = False
        self.status = RoomStatus.JOINING
        self.cursor = Cursor(start.epoch, start.offset) if isinstance(start, Position) else None
        self.target = 0
        self.recovered = False
        self.turn = 0
        self.asking = False
        self.held_back = False
        self.waiters: list[asyncio.Future[JoinResult]] = []
        self.attempts: list[asyncio.Future[JoinResult]] = []

    @property
    def result(self) -> JoinResult:
        """The present state as a join would find it."""
        epoch = self.cursor.epoch if self.cursor is not None else ""
        return JoinResult(self.room, epoch, self.target, self.recovered, self.status)


class Sender(Protocol):
    """What rooms need from a connection."""

    def request(
        self, name: str, args: tuple[object, ...], answered: Callable[[list[object] | None], None]
    ) -> None:
        """Send an event; `answered` gets the acknowledgement, or None if the connection is lost."""
        ...

    def send(self, name: str, args: tuple[object, ...]) -> None:
        """Send an event that needs no acknowledgement."""
        ...

    def pause(self) -> None:
        """Hand out nothing more until those who wait for what just came had a turn."""
        ...


class Rooms:
    """Memberships, and their fate over connections.

    Args:
        on_reset: called when a room starts over, before its first replayed event.
        on_settled: called when a room has become live.
    """

    __slots__ = ("_members", "_on_reset", "_on_settled", "_sender", "lost", "resumed")

    def __init__(
        self, on_reset: Callable[[RoomReset], None], on_settled: Callable[[str], None]
    ) -> None:
        self._members: dict[str, Membership] = {}
        self._on_reset = on_reset
        self._on_settled = on_settled
        self._sender: Sender | None = None
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
        """Add a reference; the first one joins. The future ends with the server's answer."""
        member = self._members.get(room)
        if member is None:
            member = self._members[room] = Membership(room, start)
        member.references += 1
        answer: asyncio.Future[JoinResult] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_observe)
        if self._sender is None or member.status in (RoomStatus.LIVE, RoomStatus.CATCHING_UP):
            answer.set_result(member.result)
        else:
            member.waiters.append(answer)
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
            self._sender.send("leave_room", (member.room,))

    def _forget(self, member: Membership, error: Exception) -> None:
        self._members.pop(member.room, None)
        _fail(member, error)

    # Connections come and go

    def resume(self, sender: Sender) -> list[asyncio.Future[JoinResult]]:
        """Join everything over a new connection; the futures end with the answers."""
        self._sender = sender
        for member in self._members.values():
            member.asking = member.held_back = False
        return self._ask_pending()

    def suspend(self) -> None:
        """The connection is gone; every room waits for the next one."""
        self._sender = None
        for member in self._members.values():
            member.asking = False
            member.turn += 1
            if member.status is not RoomStatus.JOINING:
                member.status = RoomStatus.LOST

    def settle_unanswered(self) -> None:
        """Count joins that a stock server never answers as done."""
        for member in self._members.values():
            if member.asking:
                self._accept_join(member, RoomAnswer(room=member.room, recovered=True))

    def fail(self, error: Exception) -> None:
        """Tell everyone who waits for a join that there will be no connection."""
        for member in self._members.values():
            _fail(member, error)

    def _ask_pending(self) -> list[asyncio.Future[JoinResult]]:
        answers: list[asyncio.Future[JoinResult]] = []
        waiting = (RoomStatus.JOINING, RoomStatus.LOST, RoomStatus.DENIED)
        for member in list(self._members.values()):
            if member.status not in waiting or member.asking or self._sender is None:
                continue
            answer: asyncio.Future[JoinResult] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_observe)
            member.attempts.append(answer)
            answers.append(answer)
            self._ask(member)
        return answers

    def _ask(self, member: Membership) -> None:
        if self._sender is None:
            return
        member.asking = True
        member.turn += 1
        turn = member.turn
        if member.cursor is not None:
            args: tuple[object, ...] = (member.room, member.cursor.position)
        else:
            args = (member.room,) if member.start is None else (member.room, member.start)

        def answered(values: list[object] | None) -> None:
            if values is not None and member.turn == turn:
                self._receive_answer(member, values)

        self._sender.request("join_room", args, answered)

    # What the server says

    def _receive_answer(self, member: Membership, values: list[object]) -> None:
        if self._members.get(member.room) is not member:
            return
        answer = read_first(values, RoomAnswer)
        if answer.ok:
            self._accept_join(member, answer)
        else:
            self._deny(member, answer.error)

    def _accept_join(self, member: Membership, answer: RoomAnswer) -> None:
        member.asking = False
        member.recovered = answer.recovered
        member.target = answer.offset
        resumed = member.cursor is not None
        if resumed and answer.recovered:
            self.resumed += 1
        elif answer.epoch:
            at = answer.offset if member.start == "now" and not resumed else 0
            self._restart(member, Cursor(answer.epoch, at), announce=resumed)
        self.settle(member)
        if member.waiters and self._sender is not None:
            # Who awaits a join must be able to subscribe before the first replayed event.
            self._sender.pause()
        result = msgspec.structs.replace(member.result, offset=answer.offset)
        for waiter in _taken(member):
            waiter.set_result(result)

    def _deny(self, member: Membership, fault: Fault) -> None:
        member.asking = False
        member.status = RoomStatus.DENIED
        error = _error_of(member.room, fault)
        member.references -= len(member.waiters)
        logger.warning("room %r is denied: %s", member.room, error)
        if member.references or member.granted:
            _fail(member, error)
        else:
            self._forget(member, error)

    def receive_reset(self, values: list[object]) -> None:
        """Take the event `room_reset`: what follows starts over."""
        answer = read_first(values, RoomAnswer)
        member = self._members.get(answer.room or "")
        if member is not None:
            member.target = answer.offset
            self._restart(member, Cursor(answer.epoch), announce=True)
            self.settle(member)

    def receive_error(self, values: list[object]) -> None:
        """Take the event `room_error`: the server took this client out of a room."""
        answer = read_first(values, RoomAnswer)
        member = self._members.get(answer.room or "")
        if member is not None:
            self._deny(member, answer.error)

    def _restart(self, member: Membership, cursor: Cursor, *, announce: bool) -> None:
        member.cursor = cursor
        if announce:
            self.lost += 1
            self._on_reset(RoomReset(member.room, Position(cursor.epoch, member.target)))

    # Events

    def find(self, room: str) -> Membership | None:
        """Return the membership of a room, if there is one."""
        return self._members.get(room)

    def accept(self, member: Membership, first: int, last: int) -> bool:
        """Whether to hand out an event that stands for `first`…`last` of the room's log.

        A gap asks for what is missing; everything from there on is replayed, so it is refused
        until then.
        """
        if member.cursor is None or member.asking or member.held_back:
            return False
        verdict = member.cursor.accept(first, last)
        if verdict is Verdict.GAP:
            member.status = RoomStatus.CATCHING_UP
            self._ask(member)
        return verdict is Verdict.APPLY

    def settle(self, member: Membership) -> None:
        """Notice whether the replay has reached its end."""
        behind = member.cursor is not None and member.cursor.offset < member.target
        status = RoomStatus.CATCHING_UP if behind else RoomStatus.LIVE
        if status is not member.status:
            member.status = status
            if status is RoomStatus.LIVE:
                self._on_settled(member.room)

    def hold_back(self, member: Membership) -> None:
        """Leave a room for now; what is missed meanwhile is replayed by `release`."""
        if self._sender is not None and not member.held_back:
            member.held_back = True
            member.status = RoomStatus.CATCHING_UP
            self._sender.send("leave_room", (member.room,))

    def release(self) -> None:
        """Resume the rooms that were held back."""
        for member in self._members.values():
            if member.held_back:
                member.held_back = False
                self._ask(member)


def _error_of(room: str, fault: Fault) -> LongwireError:
    if fault.code == RoomDenied.code:
        return RoomDenied(room)
    if fault.code == InvalidRoom.code:
        return InvalidRoom(room, fault.message)
    return CallRefused(fault.message, fault.code)


def _taken(member: Membership) -> list[asyncio.Future[JoinResult]]:
    waiters = member.waiters + member.attempts
    member.waiters, member.attempts = [], []
    return [waiter for waiter in waiters if not waiter.done()]


def _fail(member: Membership, error: Exception) -> None:
    for waiter in _taken(member):
        waiter.set_exception(error)


def _observe(answer: asyncio.Future[JoinResult]) -> None:
    # A refusal that nobody awaits is not an error of the program: the room's status tells it.
    if not answer.cancelled():
        answer.exception()
