"""A room of a client, as a context manager."""

import asyncio
from collections.abc import Callable
from typing import Self

from longwire.client.handlers.listener import Listener
from longwire.client.receiving.subscribing import Listeners, Subscribable
from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus, Start, has_joined
from longwire.types import Position, override


class Room(Subscribable):
    """One reference to a room, held by a block: `async with client.room("job:42") as room: …`.

    Its `on`, `once` and `events` are those of the client, limited to this room.

    Attributes:
        name: The room's name.
        joined: The result of the join; None before the block. Its status is `joining` if there was
            no connection, or the room's log was unavailable.
    """

    __slots__ = ("_join", "_start", "joined", "name")

    def __init__(
        self,
        listeners: Listeners,
        name: str,
        start: Start,
        join: Callable[[str, Start], asyncio.Future[JoinResult]],
    ) -> None:
        super().__init__(listeners, name)
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
