"""A room of a synchronous client, as a context manager."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self, TypeVar

from longwire.client import JoinResult, RoomReset, RoomStatus
from longwire.client import Room as AsyncRoom
from longwire.errors import Conflict
from longwire.schema import Contract
from longwire.sync.listener import Listener
from longwire.sync.loop_thread import LoopThread
from longwire.sync.subscribing import Subscribable
from longwire.types import Position, override
from longwire.values import RETRIES, Snapshot, pause, replacement

T = TypeVar("T")


class Room(Subscribable):
    """One reference to a room, held by a block: `with client.room("job:42") as room: …`.

    Its `on`, `once` and `events` are those of the client, limited to this room.

    Attributes:
        name: The room's name.
    """

    def __init__(
        self,
        thread: LoopThread,
        room: AsyncRoom,
        contract: Contract,
        publish: Callable[..., Future[Position]],
    ) -> None:
        super().__init__(thread, room)
        self._contract = contract
        self._publish = publish
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

    def latest(self, event: type[T], key: object = ()) -> Snapshot[T] | None:
        """Read the newest value of an event; see `longwire.client.Room.latest`."""
        return self._thread.wait(self._room.latest, event, key)

    def update(self, event: type[T], key: object, change: Callable[[T | None], T]) -> Position:
        """Replace the newest value of a key; see `longwire.client.Room.update`.

        `change` is a plain function, which is called in this thread and may block.
        """
        for retry in range(RETRIES + 1):
            newest = self.latest(event, key)
            changed = change(None if newest is None else newest.value)
            changed = replacement(self._contract, self.name, event, key, newest, changed)
            try:
                expect = None if newest is None else newest.position
                return self._publish(changed, room=self.name, expect=expect).result()
            except Conflict:
                if retry == RETRIES:
                    raise
            self._thread.wait(asyncio.sleep, pause(retry))
        raise AssertionError("unreachable")

    def __enter__(self) -> Self:
        self._thread.wait(self._room.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.wait(self._room.__aexit__)
