"""The rooms of a client: references, and their way through connections and rejections."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from longwire import wire
from longwire.background import new_optional_future
from longwire.client.answers import read_first, read_rejection, room_error
from longwire.client.rooms.membership import (
    JoinResult,
    Membership,
    RoomReset,
    RoomStatus,
    Start,
    check_name,
    has_joined,
)
from longwire.client.rooms.positions import Positions
from longwire.client.rooms.requests import RoomRequests, Sender
from longwire.errors import BrokerUnavailable, LongwireError, NotConnected
from longwire.types import Position
from longwire.wire import Fault, JoinAck, RoomError

logger = logging.getLogger("longwire.client")


class Rooms:
    """All room memberships of one client.

    A room is held by counted joins (references), or because sign-in granted it. It is joined over
    every connection until it is no longer held.

    Args:
        on_reset: Called when a room's log was replaced, before its first replayed event.
        on_live: Called when a room has become live.
        on_denied: Called with the reason and the room when the server rejects a room.
        backoff: Returns the delay in seconds before the nth try at an unavailable log.

    Attributes:
        positions: Decides which entries of the rooms are delivered.
    """

    def __init__(
        self,
        on_reset: Callable[[RoomReset], None],
        on_live: Callable[[str], None],
        on_denied: Callable[[LongwireError, str], None],
        backoff: Callable[[int], float],
    ) -> None:
        self._members: dict[str, Membership] = {}
        self._on_denied = on_denied
        self._requests = RoomRequests(backoff, self._receive_answer)
        self.positions = Positions(self._members, self._requests, on_reset, on_live)

    def __len__(self) -> int:
        return len(self._members)

    def status(self, room: str) -> RoomStatus | None:
        """Return the status of a room; None if nothing holds it."""
        member = self._members.get(room)
        return member.status if member is not None else None

    def position(self, room: str) -> Position | None:
        """Return the position up to which a room's events were delivered; None while unknown."""
        member = self._members.get(room)
        return member.cursor.position if member is not None and member.cursor else None

    # Joining and leaving

    def join(self, room: str, start: Start) -> asyncio.Future[JoinResult]:
        """Add a reference to a room; the first one joins it.

        Returns:
            The result of the join. A rejection takes the reference back, and so does cancelling.

        Raises:
            LocalProtocolError: `room` cannot be the name of a room.
        """
        check_name(room)
        member = self._members.get(room)
        if member is None:
            member = self._members[room] = Membership(room, start)
        member.references += 1
        answer: asyncio.Future[JoinResult] = new_optional_future()
        is_member = member.status in (RoomStatus.LIVE, RoomStatus.CATCHING_UP)
        if not self._requests.is_connected or is_member or member.retry_timer is not None:
            answer.set_result(member.result)
        else:
            member.waiters.append(answer)
            answer.add_done_callback(partial(self._receive_cancellation, member))
            if not member.is_joining:
                self._requests.join(member)
        return answer

    def leave(self, room: str) -> None:
        """Remove a reference; the last one leaves the room, with the next connection if need be."""
        member = self._members.get(room)
        if member is None or member.references == 0:
            return
        member.references -= 1
        self._release(member)

    def stay_in(self, room: str, start: Start = None) -> Callable[[], None]:
        """Join a room; return a function that takes the join back."""
        return partial(self._take_back, room, self.join(room, start))

    def _take_back(self, room: str, answer: asyncio.Future[JoinResult]) -> None:
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
        """Hold the rooms that sign-in granted, and no longer those that only an earlier one did."""
        granted = set(rooms)
        for room in granted:
            member = self._members.get(room)
            if member is None:
                member = self._members[room] = Membership(room, None)
            member.is_granted = True
        for member in [m for m in self._members.values() if m.is_granted and m.room not in granted]:
            member.is_granted = False
            self._release(member)
        self._join_pending()

    def _release(self, member: Membership) -> None:
        if member.references or member.is_granted:
            return
        self._forget(member, NotConnected(f"room {member.room!r} was left"))
        self._requests.leave(member)

    def _forget(self, member: Membership, error: Exception) -> None:
        self._members.pop(member.room, None)
        member.cancel_retry()
        member.fail(error)

    # Connections

    def resume(
        self, sender: Sender, grace: float | None = None
    ) -> list[asyncio.Future[JoinResult]]:
        """Join all rooms over a new connection.

        Args:
            sender: The connection.
            grace: Seconds after which a join counts as accepted, since a stock server may never
                answer it; None waits for the answer.

        Returns:
            The results of the joins.
        """
        self._requests.connect(sender, grace)
        for member in self._members.values():
            member.is_joining = member.is_held_back = False
        return self._join_pending()

    def suspend(self) -> None:
        """Handle the loss of the connection; all rooms wait for the next one."""
        self._requests.disconnect()
        for member in self._members.values():
            member.suspend()

    def give_up(self) -> None:
        """Return from all joins that wait for a connection; the rooms stay held."""
        for member in self._members.values():
            member.settle(member.result)

    def _join_pending(self) -> list[asyncio.Future[JoinResult]]:
        answers: list[asyncio.Future[JoinResult]] = []
        pending = (RoomStatus.JOINING, RoomStatus.LOST, RoomStatus.DENIED)
        for member in list(self._members.values()):
            can_join = self._requests.is_connected and not member.is_joining
            if member.status not in pending or not can_join:
                continue
            answer: asyncio.Future[JoinResult] = new_optional_future()
            member.resumes.append(answer)
            answers.append(answer)
            self._requests.join(member)
        return answers

    # Answers and notices of the server

    def _receive_answer(self, member: Membership, values: list[object]) -> None:
        if self._members.get(member.room) is not member:
            return
        fault = read_rejection(values)
        if fault is None:
            self._accept(member, read_first(values, JoinAck))
        else:
            self._reject(member, fault)

    def _accept(self, member: Membership, answer: JoinAck) -> None:
        self.positions.start(member, answer)
        if member.waiters:
            self._requests.pause()
        member.settle(msgspec.structs.replace(member.result, offset=answer.offset))

    def _reject(self, member: Membership, fault: Fault) -> None:
        if fault.code == BrokerUnavailable.code:
            self._join_later(member)
        else:
            self._deny(member, fault)

    def _join_later(self, member: Membership) -> None:
        if member.status is RoomStatus.LIVE:
            member.status = RoomStatus.CATCHING_UP
        elif member.status is RoomStatus.DENIED:
            member.status = RoomStatus.JOINING if member.cursor is None else RoomStatus.LOST
        self._requests.join_later(member)
        member.settle(member.result)

    def _deny(self, member: Membership, fault: Fault) -> None:
        member.is_joining = False
        member.status = RoomStatus.DENIED
        error = room_error(fault, member.room)
        member.references -= sum(not waiter.done() for waiter in member.waiters)
        logger.warning("room %r is denied: %s", member.room, error)
        if member.references or member.is_granted:
            member.fail(error)
        else:
            self._forget(member, error)
        self._on_denied(error, member.room)

    def receive_reset(self, values: list[object]) -> None:
        """Handle the event `room_reset`: a new log of the room follows."""
        reset = read_first(values, wire.RoomReset)
        member = self._members.get(reset.room)
        if member is not None:
            member.target = reset.offset
            self.positions.restart(member, reset.epoch, reset.offset)
            self.positions.settle(member)

    def receive_error(self, values: list[object]) -> None:
        """Handle the event `room_error`: the server ended the membership of a room."""
        rejection = read_first(values, RoomError)
        member = self._members.get(rejection.room or "")
        if member is not None:
            self._reject(member, rejection.error)
