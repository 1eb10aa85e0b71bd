"""A room of a synchronous client, as a context manager."""

from collections.abc import Callable
from typing import Self

from longwire.client import JoinResult, RoomReset, RoomStatus
from longwire.client import Room as AsyncRoom
from longwire.sync.listener import Listener
from longwire.sync.loop_thread import LoopThread
from longwire.sync.subscribing import Subscribable
from longwire.types import Position, override


class Room(Subscribable):
    """One reference to a room, held by a block: `with client.room("job:42") as room: …`.

    Its `on`, `once` and `events` are those of the client, limited to this room.

    Attributes:
        name: The room's name.
    """

    def __init__(self, thread: LoopThread, room: AsyncRoom) -> None:
        super().__init__(thread, room)
        self._room = room
        self.name = room.name

    @override
    def __repr__(self) -> str:
        return repr(self._room)

    @property
    def joined(self) -> JoinResult | None:
        """The result of the join; see `longwire.client.Room`."""
        return self._room.joined

    @property
    def status(self) -> RoomStatus | None:
        """The status of the client's membership; None if the room is not joined."""
        return self._thread.call(lambda: self._room.status)

    @property
    def position(self) -> Position | None:
        """The position up to which the room's events were delivered; None while unknown."""
        return self._thread.call(lambda: self._room.position)

    def on_reset(self, handler: Callable[[RoomReset], object]) -> Listener:
        """Call `handler` when the room's log was replaced and is about to be replayed."""
        return self.on(RoomReset, handler)

    def __enter__(self) -> Self:
        self._thread.wait(self._room.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.wait(self._room.__aexit__)
