"""Decides by position which entries of the joined rooms are delivered, and to which readers."""

from collections.abc import Callable
from dataclasses import dataclass

from longwire.client.handlers.subscription import Subscription
from longwire.client.rooms.late_reader import LateReader
from longwire.client.rooms.membership import Membership, RoomReset, RoomStatus
from longwire.client.rooms.requests import RoomRequests
from longwire.log.merge import Cursor, Verdict
from longwire.types import Position
from longwire.wire import JoinAck

LIVE = RoomStatus.LIVE  # a module's name is cheaper to look up than a member of an enumeration


@dataclass(eq=False, repr=False)
class Positions:
    """The cursors of all rooms, and their way to the end of the log.

    Every frame stands for a range `first`…`last` of a room's log. A cursor passes frames in order
    and without gaps. When entries are missing, the client joins the room again from its cursor,
    and ignores what arrives until the answer, because the server replays it afterwards.

    Args:
        members: The memberships, by room.
        requests: Sends the join requests.
        on_reset: Called when a room's log was replaced, before its first replayed event.
        on_live: Called when a room has become live.

    Attributes:
        resumed_count: Number of times that a room continued at its cursor.
        reset_count: Number of times that a room's log had to be read from its beginning again.
    """

    _members: dict[str, Membership]
    _requests: RoomRequests
    _on_reset: Callable[[RoomReset], None]
    _on_live: Callable[[str], None]
    resumed_count: int = 0
    reset_count: int = 0

    def find(self, room: str) -> Membership | None:
        """Return the membership of a room, if there is one."""
        return self._members.get(room)

    # Answers to joins

    def start(self, member: Membership, answer: JoinAck) -> None:
        """Begin, continue or restart the room's log, as the answer to a join requires."""
        member.is_joining = False
        member.retries = 0
        member.recovered = answer.recovered
        member.target = answer.offset
        member.replays_for_late_readers = False
        if not answer.epoch:
            pass  # a stock server has no logs
        elif member.cursor is None:
            self._begin(member, answer)
        elif answer.recovered and answer.epoch == member.cursor.epoch:
            self.resumed_count += 1
            # A late reader that came after the request needs entries from further back.
            if member.resume_offset < member.requested_offset:
                self._requests.join(member)
        else:
            self._begin_again(member, member.cursor, answer)
        self.settle(member)
        if member.status is RoomStatus.CATCHING_UP:
            self._requests.expect_replay(member, self._handle_empty_replay)

    def _begin(self, member: Membership, answer: JoinAck) -> None:
        """Handle the first answer of a room."""
        member.cursor = Cursor(answer.epoch, answer.offset if member.start == "now" else 0)
        if member.resume_offset < member.cursor.offset:  # a late reader, and the start is "now"
            self._requests.join(member)

    def _begin_again(self, member: Membership, cursor: Cursor, answer: JoinAck) -> None:
        """Handle the answer that the requested position is gone: the retained log is replayed."""
        if answer.epoch != cursor.epoch:
            self.restart(member, answer.epoch, answer.offset)
        elif not cursor.offset:
            pass  # nothing was delivered yet that a reset could take back
        elif member.requested_offset >= cursor.offset:
            self.restart(member, answer.epoch, answer.offset)
        else:
            # The request was for late readers, and the cursor may still be in the retained log:
            # only late readers start over. If the replay does not connect to the cursor, `accept`
            # and `_handle_empty_replay` notice it.
            member.replays_for_late_readers = True
            reset = RoomReset(member.room, Position(answer.epoch, answer.offset))
            member.late_readers.restart((reset,))

    def restart(self, member: Membership, epoch: str, offset: int) -> None:
        """Start over with a log that is replayed from its beginning up to `offset`."""
        member.cursor = Cursor(epoch)
        self.reset_count += 1
        # First the late readers: they receive the reset too, and start together with the others.
        member.late_readers.subscribe_all()
        self._on_reset(RoomReset(member.room, Position(epoch, offset)))

    def _handle_empty_replay(self, member: Membership) -> None:
        if self._is_detached(member):
            member.late_readers.skip_to(member.target)
            self._requests.join(member)
        else:
            member.late_readers.subscribe_all()
            self._become_live(member)

    @staticmethod
    def _is_detached(member: Membership) -> bool:
        """Whether a replay for late readers has ended without reaching the cursor.

        Retention has dropped entries after the cursor, perhaps some that the client ignored while
        it was joining. A join from the cursor finds out; the answer resets the room.
        """
        cursor = member.cursor
        behind = cursor is not None and cursor.offset < member.target
        return behind and member.replays_for_late_readers

    # Entries

    def try_advance(self, room: str, offset: int) -> bool:
        """Pass a single entry if it is the next one of a live room; return whether it was.

        This is the fast path of `accept`, for almost every entry. If it returns False, `accept`
        decides.
        """
        member = self._members.get(room)
        if member is None or member.status is not LIVE or member.is_joining or member.late_readers:
            return False
        cursor = member.cursor
        if cursor is None or offset != cursor.offset + 1:
            return False
        cursor.offset = offset
        return True

    def accept(self, member: Membership, first: int, last: int) -> bool:
        """Pass a frame of the entries `first`…`last`; return whether to deliver it.

        A gap requests the missing entries. Everything from the gap on is replayed then, so
        frames are ignored until the answer.
        """
        cursor = member.cursor
        if cursor is None or member.is_blocked:
            return False
        if first == member.target + 1 and cursor.offset < member.target:
            # The first entry after the replay, which therefore is over, has come too early:
            # retention has dropped the end of the replay.
            if self._is_detached(member):
                self._request_missing(member)
                return False
            cursor.offset = member.target
        if member.late_readers and first <= cursor.offset < last:
            # Replayed for late readers: a part of its text was delivered to the others already.
            verdict = Verdict.GAP
        else:
            verdict = cursor.take(first, last)
        if verdict is Verdict.GAP:
            self._request_missing(member)
        return verdict is Verdict.APPLY

    def accept_late(self, member: Membership, first: int, last: int) -> tuple[Subscription, ...]:
        """Pass a frame for late readers; return the subscriptions to deliver it to.

        Call it before `accept`, which may request missing entries and then blocks the room.
        """
        if member.is_blocked:
            return ()
        if first == member.target + 1:  # retention has dropped the rest of the replay
            member.late_readers.skip_to(member.target)
        readers, missing = member.late_readers.advance(first, last)
        if missing:
            self._request_missing(member)
        return readers

    def _request_missing(self, member: Membership) -> None:
        member.status = RoomStatus.CATCHING_UP
        self._requests.join(member)

    def settle(self, member: Membership) -> None:
        """Update the status: has the replay reached its end, and the late readers the cursor?"""
        offset = member.cursor.offset if member.cursor is not None else 0
        if not member.is_joining:
            member.late_readers.subscribe_at(offset)
        behind = bool(member.late_readers) or offset < member.target or member.is_blocked
        if behind and member.cursor is not None:
            member.status = RoomStatus.CATCHING_UP
        else:
            self._become_live(member)

    def _become_live(self, member: Membership) -> None:
        if member.status is not LIVE:
            member.status = LIVE
            self._on_live(member.room)

    # Late readers, and queues that are full

    def read_late(
        self, room: str, subscription: Subscription, subscribe: Callable[[], None]
    ) -> None:
        """Deliver a joined room's log to a subscription from its beginning.

        Args:
            room: The room, which must be joined.
            subscription: The queue of the reader.
            subscribe: Makes it an ordinary subscription; called once it has caught up.
        """
        member = self._members[room]
        member.late_readers.append(LateReader(subscription, subscribe))
        if member.status in (LIVE, RoomStatus.CATCHING_UP):
            member.status = RoomStatus.CATCHING_UP
            if member.cursor is not None and member.cursor.offset and not member.is_blocked:
                self._requests.join(member)
            self.settle(member)

    def forget_late(self, room: str, subscription: Subscription) -> None:
        """Stop reading for a late reader that has ended."""
        member = self._members.get(room)
        if member is not None:
            member.late_readers.discard(subscription)

    def hold_back(self, member: Membership) -> None:
        """Leave a room for now, because a queue is full; `release` resumes it."""
        if self._requests.is_connected and not member.is_held_back:
            member.is_held_back = True
            member.status = RoomStatus.CATCHING_UP
            self._requests.leave(member)

    def release(self) -> None:
        """Resume the rooms that were held back."""
        for member in self._members.values():
            if member.is_held_back:
                member.is_held_back = False
                self._requests.join(member)
