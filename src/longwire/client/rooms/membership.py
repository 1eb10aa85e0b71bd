"""One room that somebody here wants to be in, and what is told about it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from longwire.errors import LocalProtocolError, NotConnected
from longwire.log import Cursor
from longwire.types import Position

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from longwire.client.handlers.subscription import Subscription

# The name under which subscriptions of a room are notified that its replay is complete; no event
# can have it.
ROOM_LIVE = "@live"

Start = Position | Literal["now"] | None
"""Where a membership begins: at a position, after the log's end, or with the retained log."""


class RoomStatus(StrEnum):
    """Where one membership stands.

    `joining`: asked for, or waiting for a connection or for a log that cannot be read now.
    `catching_up`: what was missed is on its way. `live`: at the log's end. `denied`: the server
    refused; it is asked again with the next connection or token. `lost`: the connection is gone,
    and the room resumes with the next one, as soon as its log can be read.
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
        status: `joining` when there is no connection yet, or the room's log cannot be read now
            (`broker_unavailable`); the join is sent with the next one, or again after a while.
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


def has_joined(answer: asyncio.Future[JoinResult]) -> bool:
    """Whether a join has its reference: it was neither refused nor cancelled.

    Who awaits an answer can be cancelled in the very turn in which it comes, and then has joined.
    """
    return answer.done() and not answer.cancelled() and answer.exception() is None


def check_name(room: object) -> None:
    """Refuse what can be the name of no room.

    Raises:
        LocalProtocolError: it is no string, or none that can be sent.
    """
    try:
        if isinstance(room, str) and room.encode():
            return
    except UnicodeEncodeError:
        pass
    raise LocalProtocolError(f"a room's name is a string that is not empty, unlike {room!r}")


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


class Reader:
    """A subscription that came late and reads the room from its beginning, on its own.

    It hears the room like everybody else once it has caught up with the membership.

    Attributes:
        subscription: where its events go; not among the others yet.
        offset: how far it has read.
        join: lets the subscription hear its events from now on.
    """

    __slots__ = ("join", "offset", "subscription")

    def __init__(self, subscription: Subscription, join: Callable[[], None]) -> None:
        self.subscription = subscription
        self.join = join
        self.offset = 0


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
        retry: the time of the next try, while the log cannot be read.
        failures: tries in a row that found it so.
        waiters: joins that wait for the answer. A refusal takes their references back, and so
            does who cancels one.
        attempts: resumes that wait for it.
        readers: late subscriptions that read the room from its beginning.
        asked_from: the offset from which the newest join asked for events.
    """

    __slots__ = (
        "asked_from",
        "asking",
        "attempts",
        "cursor",
        "failures",
        "granted",
        "held_back",
        "readers",
        "recovered",
        "references",
        "retry",
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
        self.retry: asyncio.TimerHandle | None = None
        self.failures = 0
        self.waiters: list[asyncio.Future[JoinResult]] = []
        self.attempts: list[asyncio.Future[JoinResult]] = []
        self.readers: list[Reader] = []
        self.asked_from = 0

    @property
    def is_blocked(self) -> bool:
        """Whether events are refused for now: what they say will come again."""
        return self.asking or self.held_back

    @property
    def offset(self) -> int:
        """The offset that everyone here has passed, late readers included."""
        own = self.cursor.offset if self.cursor is not None else 0
        return min([own, *(reader.offset for reader in self.readers)])

    def advance_readers(self, first: int, last: int) -> tuple[list[Reader], bool]:
        """Return the late readers that an event is next for, and whether others miss something."""
        if first == self.target + 1:
            for reader in self.readers:
                reader.offset = max(reader.offset, self.target)
        next_for = [reader for reader in self.readers if reader.offset == first - 1]
        missing = any(r.offset < first - 1 or first <= r.offset < last for r in self.readers)
        for reader in next_for:
            reader.offset = last
        return next_for, missing

    def take_waiters(self) -> list[asyncio.Future[JoinResult]]:
        """Give those who wait for the answer; they wait no longer."""
        waiters = self.waiters + self.attempts
        self.waiters, self.attempts = [], []
        return [waiter for waiter in waiters if not waiter.done()]

    def settle(self, result: JoinResult) -> None:
        """Tell those who wait what was found."""
        for waiter in self.take_waiters():
            waiter.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell those who wait that they are not in."""
        for waiter in self.take_waiters():
            waiter.set_exception(error)

    def question(self) -> tuple[object, ...]:
        """Return the arguments of a join: the room, and from where on its events are missing."""
        if self.cursor is not None:
            self.asked_from = self.offset
            return (self.room, Position(self.cursor.epoch, self.asked_from))
        return (self.room,) if self.start is None else (self.room, self.start)

    def suspend(self) -> None:
        """The connection is gone; the room waits for the next one."""
        self.asking = False
        self.turn += 1
        self.failures = 0
        self.stop_retrying()
        attempts, self.attempts = self.attempts, []
        for attempt in attempts:
            attempt.set_exception(NotConnected("the connection ended before the answer"))
        if self.status is not RoomStatus.JOINING:
            self.status = RoomStatus.LOST

    def stop_retrying(self) -> None:
        """Wait for no time any more."""
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None

    @property
    def result(self) -> JoinResult:
        """The present state as a join would find it."""
        epoch = self.cursor.epoch if self.cursor is not None else ""
        return JoinResult(self.room, epoch, self.target, self.recovered, self.status)
