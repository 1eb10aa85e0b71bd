"""Subscribing to events: handlers and iterators, for all rooms or for one."""

import inspect
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, overload

from longwire.client.handlers.handler import Handler
from longwire.client.handlers.listener import Listener
from longwire.client.handlers.registry import Subscriptions
from longwire.client.handlers.stream import EventStream, Wakeup
from longwire.client.handlers.subscription import ANY
from longwire.client.rooms.membership import RoomReset
from longwire.client.rooms.rooms import Rooms
from longwire.errors import ConfigurationError
from longwire.schema import Contract
from longwire.wire import ROOM_RESET

T = TypeVar("T")
T2 = TypeVar("T2")
T3 = TypeVar("T3")


class Listeners:
    """Creates the handlers and iterators of one client.

    Attributes:
        contract: Names the event types and declares how events conflate.
        rooms: The rooms that the client is in.
    """

    def __init__(self, contract: Contract, subscriptions: Subscriptions, rooms: Rooms) -> None:
        self.contract = contract
        self.rooms = rooms
        self._subscriptions = subscriptions
        self._streams: weakref.WeakSet[EventStream[Any]] = weakref.WeakSet()

    def name_of(self, event: type[Any] | str) -> str:
        """Return the wire name of an event type; a name is returned as it is.

        Raises:
            TypeError: `event` is neither a class nor a string.
            UnknownEvent: The contract has no such type.
        """
        if isinstance(event, str):
            return event
        if not inspect.isclass(event):
            raise TypeError(f"event must be an event type or a name, got {event!r}")
        return ROOM_RESET if event is RoomReset else self.contract.name_of(event)

    def add_handler(
        self,
        names: tuple[str, ...],
        function: Callable[..., object],
        room: str | None,
        throttle: float = 0.0,
    ) -> Listener:
        """Call `function` for these events from now on; see `Subscribable.on`."""
        subscription = Handler(self._subscriptions, names, room, function).subscription
        if throttle:
            subscription.ensure_throttle(self.contract, throttle)
        self._subscriptions.add(subscription)
        return Listener(subscription, self.contract)

    def add_late_handler(
        self, names: tuple[str, ...], function: Callable[..., object], room: str
    ) -> Callable[[], None]:
        """Call `function` for a joined room's events from the beginning of its log.

        Returns:
            A function that unsubscribes.
        """
        subscription = Handler(self._subscriptions, names, room, function).subscription
        self.rooms.positions.read_late(
            room, subscription, lambda: self._subscriptions.add(subscription)
        )

        def unsubscribe() -> None:
            subscription.close()
            self.rooms.positions.forget_late(room, subscription)

        return unsubscribe

    def add_stream(self, names: tuple[str, ...], room: str | None) -> EventStream[Any]:
        """Return an iterator over these events; `room` is joined while it is open."""
        wakeup = Wakeup()
        subscription = self._subscriptions.create(names, room, wakeup.notify)
        leave = self.rooms.stay_in(room) if room is not None else lambda: None
        self._subscriptions.add(subscription)
        stream: EventStream[Any] = EventStream(subscription, wakeup, leave)
        self._streams.add(stream)
        return stream

    def end_streams(self, error: Exception | None, room: str | None = None) -> None:
        """End all open iterators, or those of one room, with `error` if there is one."""
        for stream in list(self._streams):
            if room is None or stream.room == room:
                stream.end(error)


class Subscribable:
    """A client or a `Room`: something with events to subscribe to.

    Subscribing works in every connection state. Handlers survive reconnects and `disconnect`.
    """

    __slots__ = ("_listeners", "_only_room")

    def __init__(self, listeners: Listeners, room: str | None = None) -> None:
        self._listeners = listeners
        self._only_room = room

    @overload
    def on(
        self,
        event: tuple[type[T], type[T2]],
        handler: Callable[[T | T2], object],
        *,
        room: str | None = None,
        throttle: float = 0.0,
    ) -> Listener: ...
    @overload
    def on(
        self,
        event: type[T] | tuple[type[T], ...],
        handler: Callable[[T], object],
        *,
        room: str | None = None,
        throttle: float = 0.0,
    ) -> Listener: ...
    @overload
    def on(
        self,
        event: str,
        handler: Callable[..., object],
        *,
        room: str | None = None,
        throttle: float = 0.0,
    ) -> Listener: ...
    def on(
        self,
        event: type[Any] | tuple[type[Any], ...] | str,
        handler: Callable[..., object],
        *,
        room: str | None = None,
        throttle: float = 0.0,
    ) -> Listener:
        """Call `handler` for every such event from now on, also after reconnects.

        A handler runs for one event at a time, in the order of arrival. Awaitable results are
        awaited before the next event. Exceptions are logged and counted in
        `HealthSnapshot.handler_failures`. A handler that cannot keep up delays the events of its
        rooms, and nothing else. Subscribing to a room's events does not join the room.

        Args:
            event: An event type, or several, which then share one queue. Or a name: its handler
                receives the typed event if the contract has the name, and the event's arguments
                otherwise. `"*"` receives every event of the application, with its name as the
                first argument. The names `connect`, `disconnect`, `connect_error`, `reconnect`,
                `reconnect_attempt` and `reconnect_failed` report on the connection.
            handler: A function, sync or async. If the server requests an acknowledgement, it gets
                the result of the first handler: no value for None, several for a tuple.
            room: Receive the event from this room only. Default: all rooms, or the `Room` itself.
            throttle: Minimum number of seconds between two calls. The first event is handled at
                once; the following ones together at the end of the interval, conflated as their
                types declare: the newest of `Latest` per slot, the joined text of `Concat`, all
                others one by one. The last event is always delivered.

        Returns:
            A `Listener`; call it to unsubscribe. It can also pause and resume the handler.

        Raises:
            TypeError: `handler` is not callable, or `event` is empty or not an event.
            UnknownEvent: The contract has no such type.
            ConfigurationError: `throttle` is negative, or `room` is not the room of this `Room`.
        """
        kinds = event if isinstance(event, tuple) else (event,)
        names = tuple(self._listeners.name_of(kind) for kind in kinds)
        if not names:
            raise TypeError("event must not be an empty tuple")
        check_handler(handler)
        if throttle < 0:
            raise ConfigurationError(f"throttle must be >= 0 seconds, got {throttle!r}")
        return self._listeners.add_handler(names, handler, self._select_room(room), throttle)

    @overload
    def once(
        self, event: type[T], handler: Callable[[T], object], *, room: str | None = None
    ) -> Callable[[], None]: ...
    @overload
    def once(
        self, event: str, handler: Callable[..., object], *, room: str | None = None
    ) -> Callable[[], None]: ...
    def once(
        self,
        event: type[Any] | str,
        handler: Callable[..., object],
        *,
        room: str | None = None,
    ) -> Callable[[], None]:
        """Call `handler` for the next such event only; see `on`.

        Returns:
            A function that unsubscribes.
        """
        check_handler(handler)

        def call(*arguments: Any) -> object:
            unsubscribe()
            return handler(*arguments)

        unsubscribe = self.on(self._listeners.name_of(event), call, room=room)
        return unsubscribe

    @overload
    def events(self, kind: type[T], /, *, room: str | None = None) -> EventStream[T]: ...
    @overload
    def events(
        self, kind: type[T], second: type[T2], /, *, room: str | None = None
    ) -> EventStream[T | T2]: ...
    @overload
    def events(
        self, kind: type[T], second: type[T2], third: type[T3], /, *, room: str | None = None
    ) -> EventStream[T | T2 | T3]: ...
    @overload
    def events(self, *, room: str | None = None) -> EventStream[tuple[Any, ...]]: ...
    @overload
    def events(self, *types: type[T], room: str | None = None) -> EventStream[T]: ...
    def events(self, *types: type[Any], room: str | None = None) -> EventStream[Any]:
        """Iterate over events of these types, from now on.

        Args:
            *types: Event types; `RoomReset` is one too. Without any, the iterator returns every
                event of the application, as a tuple that begins with the event's name.
            room: Receive events from this room only. The room is joined while the iterator is
                open; if the server denies it, then or later, the iterator raises that error.
                Default: all rooms, or the `Room` itself.

        Raises:
            UnknownEvent: The contract has no such type.
        """
        names = tuple(self._listeners.name_of(kind) for kind in types) or (ANY,)
        return self._listeners.add_stream(names, self._select_room(room))

    def _select_room(self, room: str | None) -> str | None:
        if room is not None and self._only_room not in (None, room):
            raise ConfigurationError(f"room must be {self._only_room!r} or None, got {room!r}")
        return room if self._only_room is None else self._only_room


def check_handler(handler: object) -> None:
    """Raise now, instead of with the first event, if a handler cannot be called.

    Raises:
        TypeError: `handler` is not callable.
    """
    if not callable(handler):
        raise TypeError(f"handler must be callable, got {handler!r}")
