"""Late readers: subscriptions that read a joined room's log from its beginning.

The client has one cursor per room, and delivers each entry once. `client.job("42")` needs the
whole log of a room that may have been joined long ago, whose entries were delivered to others
already. Such a subscription reads *late*, with an offset of its own:

- The client joins the room again, from the smallest offset among the cursor and the late readers
  (`Membership.resume_offset`). The server replays from there.
- A replayed entry goes to the late readers that it is next for. Other subscriptions receive it
  only if it is next for the cursor as well.
- The server may join adjacent texts in one frame. A frame that begins behind the cursor and ends
  after it goes to the late readers only; the client then asks again from the cursor, and receives
  the rest in a frame that begins there.
- A late reader that reaches the cursor becomes an ordinary subscription.

For example, with the cursor at 7 and a new late reader at 0, the client joins with offset 0. The
frames 1-5 and 6-9 arrive: both go to the late reader. The second one contains entries 8 and 9,
which the others miss, so the client joins again with offset 7 and delivers 8-9 to the others. The
cursor and the late reader are both at 9 now, and the late reader has caught up.
"""

from collections.abc import Callable

from longwire.client.handlers.arguments import Arguments
from longwire.client.handlers.subscription import Subscription
from longwire.wire import ROOM_RESET


class LateReader:
    """A subscription that reads a joined room from the beginning of its log.

    Attributes:
        subscription: The queue of the reader.
        subscribe: Makes the subscription an ordinary one.
        offset: The last offset that was delivered to the reader.
    """

    __slots__ = ("offset", "subscribe", "subscription")

    def __init__(self, subscription: Subscription, subscribe: Callable[[], None]) -> None:
        self.subscription = subscription
        self.subscribe = subscribe
        self.offset = 0


class LateReaders(list[LateReader]):
    """The late readers of one room, usually none."""

    __slots__ = ()

    def lowest(self, offset: int) -> int:
        """Return the smallest of `offset` and the readers' offsets."""
        return min([offset, *(reader.offset for reader in self)])

    def advance(self, first: int, last: int) -> tuple[tuple[Subscription, ...], bool]:
        """Move the readers that a frame of the entries `first`…`last` is next for.

        Returns:
            Their subscriptions, and whether other readers miss entries because of this frame:
            it is not next for them, or it begins with entries that they have already.
        """
        reached = [reader for reader in self if reader.offset == first - 1]
        missing = any(r.offset < first - 1 or first <= r.offset < last for r in self)
        for reader in reached:
            reader.offset = last
        return tuple(reader.subscription for reader in reached), missing

    def skip_to(self, offset: int) -> None:
        """Move readers over entries that retention has dropped."""
        for reader in self:
            reader.offset = max(reader.offset, offset)

    def restart(self, reset: Arguments) -> None:
        """Notify the readers that their replay starts again at the beginning of the log."""
        for reader in self:
            reader.offset = 0
            if ROOM_RESET in reader.subscription.names:
                reader.subscription.push(reset)

    def subscribe_at(self, offset: int) -> None:
        """Make the readers that have reached `offset` ordinary subscriptions."""
        for reader in [reader for reader in self if reader.offset == offset]:
            self.remove(reader)
            reader.subscribe()

    def subscribe_all(self) -> None:
        """Make all readers ordinary subscriptions."""
        for reader in self:
            reader.subscribe()
        self.clear()

    def discard(self, subscription: Subscription) -> None:
        """Remove the reader of a subscription that has ended."""
        self[:] = [reader for reader in self if reader.subscription is not subscription]
