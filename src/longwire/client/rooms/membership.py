"""The state of one room that the client is in, or wants to be in."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from longwire.client.rooms.late_reader import LateReaders
from longwire.errors import LocalProtocolError, NotConnected
from longwire.log.merge import Cursor
from longwire.types import Position

# The name under which subscriptions of a room are notified that its replay is complete; no event
# can have it.
ROOM_LIVE = "@live"

Start = Position | Literal["now"] | None
"""Where a membership begins: after a position, at the log's end, or with the retained log."""


class RoomStatus(StrEnum):
    """The status of one room membership. The TypeScript client uses the same words.

    - `joining`: requested. The join waits for a connection, for the server's answer, or for the
      room's log to become available.
    - `catching_up`: joined, and the entries that were missed are being replayed.
    - `live`: joined, and every entry up to the end of the log was delivered.
    - `denied`: the server rejected the join, or ended the membership. The client asks again with
      the next connection or token.
    - `lost`: the connection was lost. The room resumes from its position with the next one, or
      later if the room's log is unavailable then.

    A membership moves from `joining` to `catching_up`, `live` or `denied`; between `catching_up`
    and `live` whenever entries are missing; from any status but `joining` to `lost` with the
    connection; and from `lost` like from `joining`. `leave_room` ends it in every status.
    """

    JOINING = "joining"
    CATCHING_UP = "catching_up"
    LIVE = "live"
    DENIED = "denied"
    LOST = "lost"


class JoinResult(msgspec.Struct, frozen=True):
    """The result of a join.

    Attributes:
        room: The room's name.
        epoch: The incarnation of the room's log; empty while unknown, as on a stock Socket.IO
            server, which has no logs.
        offset: The end of the log at the time of the join. The replay leads up to it.
        recovered: Whether the membership continued at the position where it was interrupted.
        status: `joining` if there is no connection yet, or the room's log is unavailable
            (`broker_unavailable`). The join is then sent with the next connection, or retried.
    """

    room: str
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    status: RoomStatus = RoomStatus.LIVE


class RoomReset(msgspec.Struct, frozen=True):
    """The log of a joined room was replaced: discard what was derived from it.

    Subscribe to this type as to an event. It arrives in order, before the first replayed event of
    the new log.

    Attributes:
        room: The room's name.
        position: The end of the new log.
    """

    room: str
    position: Position


Waiters = list[asyncio.Future[JoinResult]]


def has_joined(answer: asyncio.Future[JoinResult]) -> bool:
    """Whether a join has succeeded and holds its reference.

    A task that awaits `answer` may be cancelled in the same turn in which the join succeeds.
    """
    return answer.done() and not answer.cancelled() and answer.exception() is None


def check_name(room: object) -> None:
    """Reject a value that cannot be the name of a room.

    Raises:
        LocalProtocolError: The name is not a string, is empty, or cannot be encoded as UTF-8.
    """
    try:
        if isinstance(room, str) and room.encode():
            return
    except UnicodeEncodeError:
        pass
    raise LocalProtocolError(f"room must be a non-empty string, got {room!r}")


@dataclass(eq=False, repr=False, slots=True)
class Membership:
    """One room that the client is in, or wants to be in.

    Attributes:
        references: Number of joins that were not left yet.
        is_granted: Whether sign-in granted the room, which holds it without a reference.
        start: Where the first join begins.
        cursor: The position up to which entries were delivered; None while unknown.
        target: The end of the log when it was joined; the room is live once the cursor is there.
        recovered: Whether the newest join continued at the cursor.
        request: Number of join requests sent; answers to older ones are ignored.
        requested_offset: The offset that the newest request resumes from.
        is_joining: Whether a request is unanswered or scheduled. Entries are ignored meanwhile,
            since the server replays them.
        is_held_back: Whether the room was left for now, because a queue is full.
        replays_for_late_readers: Whether the newest answer replays the retained log although only
            late readers asked for it. Entries after the cursor may have been dropped.
        retry_timer: Runs the next try, while the log is unavailable.
        retries: Consecutive tries that found the log unavailable.
        waiters: Joins that wait for the answer. A rejection takes back their references, and so
            does cancelling one.
        resumes: Resumed joins of a new connection that wait for the answer.
        late_readers: Subscriptions that read the log from its beginning.
    """

    room: str
    start: Start
    references: int = 0
    is_granted: bool = False
    status: RoomStatus = RoomStatus.JOINING
    cursor: Cursor | None = None
    target: int = 0
    recovered: bool = False
    request: int = 0
    requested_offset: int = 0
    is_joining: bool = False
    is_held_back: bool = False
    replays_for_late_readers: bool = False
    retry_timer: asyncio.TimerHandle | None = None
    retries: int = 0
    waiters: Waiters = field(default_factory=Waiters)
    resumes: Waiters = field(default_factory=Waiters)
    late_readers: LateReaders = field(default_factory=LateReaders)

    def __post_init__(self) -> None:
        if isinstance(self.start, Position):
            self.cursor = Cursor(self.start.epoch, self.start.offset)

    @property
    def is_blocked(self) -> bool:
        """Whether entries are ignored for now; the server will replay them."""
        return self.is_joining or self.is_held_back

    @property
    def resume_offset(self) -> int:
        """The offset that the cursor and all late readers have passed."""
        return self.late_readers.lowest(self.cursor.offset if self.cursor is not None else 0)

    @property
    def result(self) -> JoinResult:
        """The present state as the result of a join."""
        epoch = self.cursor.epoch if self.cursor is not None else ""
        return JoinResult(self.room, epoch, self.target, self.recovered, self.status)

    def join_arguments(self) -> tuple[object, ...]:
        """Return the arguments of `join_room`: the room, and the position to resume from."""
        if self.cursor is not None:
            self.requested_offset = self.resume_offset
            return (self.room, Position(self.cursor.epoch, self.requested_offset))
        return (self.room,) if self.start is None else (self.room, self.start)

    def settle(self, result: JoinResult) -> None:
        """Return `result` from all joins that wait."""
        for waiter in self._take_waiters():
            waiter.set_result(result)

    def fail(self, error: Exception) -> None:
        """Raise `error` in all joins that wait."""
        for waiter in self._take_waiters():
            waiter.set_exception(error)

    def _take_waiters(self) -> Waiters:
        waiters = self.waiters + self.resumes
        self.waiters, self.resumes = [], []
        return [waiter for waiter in waiters if not waiter.done()]

    def suspend(self) -> None:
        """Handle the loss of the connection: joins wait for the next one."""
        self.is_joining = False
        self.request += 1  # ignore an answer that is still on its way through the loop
        self.retries = 0
        self.cancel_retry()
        resumes, self.resumes = self.resumes, []
        for resume in resumes:
            resume.set_exception(NotConnected("the connection ended before the answer"))
        if self.status is not RoomStatus.JOINING:
            self.status = RoomStatus.LOST

    def cancel_retry(self) -> None:
        """Cancel a scheduled try."""
        if self.retry_timer is not None:
            self.retry_timer.cancel()
            self.retry_timer = None
