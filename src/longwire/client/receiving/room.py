"""A room that one user of the client is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus, Start, has_joined
from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.client import WebSocketClient
    from longwire.client.handlers.listener import Listener
    from longwire.client.handlers.stream import EventStream
    from longwire.types import Position

T = TypeVar("T")
T2 = TypeVar("T2")


class Room:
    """One reference to a room: `async with client.room("job:42") as room: …`.

    Attributes:
        name: the room's name.
        joined: what the join found; `joining` when there was no connection yet, or the room's log
            could not be read.
    """

    __slots__ = ("_client", "_start", "joined", "name")

    def __init__(self, client: WebSocketClient, name: str, start: Start) -> None:
        self._client = client
        self._start: Start = start
        self.name = name
        self.joined: JoinResult | None = None

    @override
    def __repr__(self) -> str:
        return f"<Room {self.name!r} {self.status or 'not joined'}>"

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
        """Call `handler` for this event in this room; see `WebSocketClient.on`."""
        on: Callable[..., Listener] = self._client.on
        return on(event, handler, room=self.name, throttle=throttle)

    def on_reset(self, handler: Callable[[RoomReset], object]) -> Callable[[], None]:
        """Call `handler` when the room's log began anew and is replayed whole; return the undo."""
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

    async def __aenter__(self) -> Room:
        answer = self._client.join_room(self.name, self._start)
        try:
            self.joined = await answer
        except BaseException:
            if has_joined(answer):
                self._client.leave_room(self.name)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.leave_room(self.name)
