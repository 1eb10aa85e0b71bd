"""A room of a client, as a context manager."""

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

from longwire.client.handlers.listener import Listener
from longwire.client.receiving.subscribing import Listeners, Subscribable
from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus, Start, has_joined
from longwire.types import Position, override
from longwire.values import Change, Snapshot, Values

T = TypeVar("T")


class Room(Subscribable):
    """One reference to a room, held by a block: `async with client.room("job:42") as room: …`.

    Its `on`, `once` and `events` are those of the client, limited to this room.

    Attributes:
        name: The room's name.
        joined: The result of the join; None before the block. Its status is `joining` if there was
            no connection, or the room's log was unavailable.
    """

    __slots__ = ("_join", "_start", "_values", "joined", "name")

    def __init__(
        self,
        listeners: Listeners,
        name: str,
        start: Start,
        join: Callable[[str, Start], asyncio.Future[JoinResult]],
        values: Values,
    ) -> None:
        super().__init__(listeners, name)
        self._values = values
        self._join = join
        self._start: Start = start
        self.name = name
        self.joined: JoinResult | None = None

    @override
    def __repr__(self) -> str:
        return f"<Room {self.name!r} {self.status or 'not joined'}>"

    @property
    def status(self) -> RoomStatus | None:
        """The status of the client's membership; None if the room is not joined."""
        return self._listeners.rooms.status(self.name)

    @property
    def position(self) -> Position | None:
        """The position up to which the room's events were delivered; None while unknown."""
        return self._listeners.rooms.position(self.name)

    def on_reset(self, handler: Callable[[RoomReset], object]) -> Listener:
        """Call `handler` when the room's log was replaced and is about to be replayed."""
        return self.on(RoomReset, handler)

    async def latest(self, event: type[T], key: object = ()) -> Snapshot[T] | None:
        """Read the newest value of an event with `Latest` or `Merge` from the server.

        The room need not be joined, but the user must be allowed to join it.

        Args:
            event: The type of the event.
            key: The value of its key, or a tuple of several. In a room that the event does not
                declare, the parameters of the declared room come first.

        Returns:
            The value with its position; None if there is none.

        Raises:
            InvalidEvent: The event has another rule, or the key does not fit.
            UnknownEvent: The contract does not contain the event.
            RoomDenied: No room rule admits the user.
            CallTimeout: No answer arrived in time.
            NotConnected: The connection ended before the answer, or the client gave up.
        """
        return await self._values.latest(self.name, event, key)

    async def update(self, event: type[T], key: object, change: Change[T]) -> Position:
        """Replace the newest value of a key by what `change` returns; return its position.

        This is compare-and-set: if anyone changes the value in between, `change` is called again
        with the newer one, up to five times after random pauses. So no change is lost, and `change`
        must be safe to repeat. An exception that it raises ends the update.

        Args:
            event: The type of the event, which has `Latest` or `Merge`.
            key: As for `latest`.
            change: Receives the newest event, or None, and returns the event to publish; may be
                `async`. With `Merge` that is a patch.

        Raises:
            Conflict: Each of six attempts lost to another writer.
            ConfigurationError: The returned event has another key.
            PublishDenied: The user may not publish the event here.
            LongwireError: As `latest`, and `publish` of the client.
        """
        return await self._values.update(self.name, event, key, change)

    async def __aenter__(self) -> Self:
        answer = self._join(self.name, self._start)
        try:
            self.joined = await answer
        except BaseException:
            # A task can be cancelled in the same turn in which its join succeeds.
            if has_joined(answer):
                self._listeners.rooms.leave(self.name)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listeners.rooms.leave(self.name)
