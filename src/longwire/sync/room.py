"""A room that one user of the client is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from longwire.client import RoomReset
from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client import JoinResult, RoomStatus
    from longwire.client import Room as AsyncRoom
    from longwire.sync.client import WebSocketClient
    from longwire.sync.listener import Listener
    from longwire.sync.loop_thread import LoopThread
    from longwire.sync.stream import EventStream
    from longwire.types import Position

T = TypeVar("T")
T2 = TypeVar("T2")


class Room:
    """One reference to a room: `with client.room("job:42") as room: …`.

    Attributes:
        name: the room's name.
    """

    def __init__(self, client: WebSocketClient, thread: LoopThread, room: AsyncRoom) -> None:
        self._client = client
        self._thread = thread
        self._room = room
        self.name = room.name

    @override
    def __repr__(self) -> str:
        return repr(self._room)

    @property
    def joined(self) -> JoinResult | None:
        """What the join found; `joining` when there was no connection yet."""
        return self._room.joined

    @property
    def status(self) -> RoomStatus | None:
        """Where the room stands."""
        return self._client.room_status(self.name)

    @property
    def position(self) -> Position | None:
        """Up to where its events were handed out."""
        return self._client.position(self.name)

    @overload
    def on(
        self, event: type[T], handler: Callable[[T], object], *, throttle: float = 0.0
    ) -> Listener: ...
    @overload
    def on(
        self,
        event: tuple[type[T], type[T2]],
        handler: Callable[[T | T2], object],
        *,
        throttle: float = 0.0,
    ) -> Listener: ...
    @overload
    def on(
        self, event: tuple[type[T], ...], handler: Callable[[T], object], *, throttle: float = 0.0
    ) -> Listener: ...
    @overload
    def on(
        self, event: str, handler: Callable[..., object], *, throttle: float = 0.0
    ) -> Listener: ...
    def on(
        self,
        event: type[Any] | tuple[type[Any], ...] | str,
        handler: Callable[..., object],
        *,
        throttle: float = 0.0,
    ) -> Listener:
        """Call `handler` for this event in this room."""
        on: Callable[..., Listener] = self._client.on
        return on(event, handler, room=self.name, throttle=throttle)

    def on_reset(self, handler: Callable[[RoomReset], object]) -> Listener:
        """Call `handler` when the room's log began anew and is replayed whole."""
        return self.on(RoomReset, handler)

    @overload
    def events(self, kind: type[T], /) -> EventStream[T]: ...
    @overload
    def events(self, kind: type[T], second: type[T2], /) -> EventStream[T | T2]: ...
    @overload
    def events(self) -> EventStream[tuple[Any, ...]]: ...
    @overload
    def events(self, *types: type[T]) -> EventStream[T]: ...
    def events(self, *types: type[Any]) -> EventStream[Any]:
        """Iterate over events of this room."""
        return self._client.events(*types, room=self.name)

    def __enter__(self) -> Self:
        self._thread.wait(self._room.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.wait(self._room.__aexit__)
