"""Hearing events: handlers and iterators."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from longwire.client.handlers.handler import Handler
from longwire.client.handlers.listener import Listener
from longwire.client.handlers.stream import EventStream, Wakeup
from longwire.client.handlers.subscription import ANY
from longwire.client.rooms.membership import ROOM_RESET, RoomReset
from longwire.errors import ConfigurationError

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from longwire.client.handlers.registry import Subscriptions
    from longwire.client.receiving.entry import LogEntry
    from longwire.client.receiving.inbox import Inbox
    from longwire.client.rooms.membership import Start
    from longwire.client.rooms.rooms import Rooms
    from longwire.schema import Contract

T = TypeVar("T")
T2 = TypeVar("T2")
T3 = TypeVar("T3")


class Listening:
    """The part of a client that hears; it works in every state, before connecting too."""

    contract: Contract
    _subscriptions: Subscriptions
    _rooms: Rooms
    _inbox: Inbox
    _streams: weakref.WeakSet[EventStream[Any]]

    @overload
    def on(
        self,
        event: type[T],
        handler: Callable[[T], object],
        *,
        room: str | None = None,
        throttle: float = 0.0,
    ) -> Listener: ...
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
        event: tuple[type[T], ...],
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
        """Call `handler` for every such event from now on, over reconnects.

        Handlers run in order, one event at a time, after everything that came together was taken
        in; an async one is awaited before the next event. One that raises is logged and counted.
        One that is too slow makes its rooms wait, and nobody else.

        Args:
            event: an event type, or several, which then share one queue. Or a name: its handler
                gets the typed event if the contract has it, and the event's arguments otherwise.
                `"*"` hears every event of the application, its name first. The names `connect`,
                `disconnect`, `connect_error`, `reconnect`, `reconnect_attempt` and
                `reconnect_failed` tell about the connection.
            handler: a function, async or not. If the server wants an answer, it is what the first
                handler returns: nothing for None, several values for a tuple.
            room: hear it in this room only; joining is another matter.
            throttle: seconds between two times that the handler is called. The first event is
                handled at once, the others together at the end of the interval, conflated as the
                event declares: the newest of `Latest` for each slot, the joined text of `Concat`,
                everything else one by one. Nothing that counts is lost, and the last always comes.

        Returns:
            The undo, which can also pause and resume.

        Raises:
            TypeError: the handler is no function, or there is no event.
            UnknownEvent: the contract has no such type.
            ConfigurationError: `throttle` is negative.
        """
        kinds = event if isinstance(event, tuple) else (event,)
        names = tuple(self._name_of(kind) for kind in kinds)
        if not names:
            raise TypeError("which event? an empty tuple names none")
        check_handler(handler)
        if throttle < 0:
            raise ConfigurationError(f"throttle must be >= 0 seconds, got {throttle!r}")
        subscription = Handler(self._subscriptions, names, room, handler).subscription
        if throttle:
            subscription.ensure_throttle(self.contract, throttle)
        self._subscriptions.add(subscription)
        return Listener(subscription, self.contract)

    def read_late(
        self, names: tuple[str, ...], handler: Callable[..., object], room: str
    ) -> Callable[[], None]:
        """Call `handler` as `listen` does, for a joined room from its beginning."""
        subscription = Handler(self._subscriptions, names, room, handler).subscription
        self._rooms.read_late(room, subscription, lambda: self._subscriptions.add(subscription))

        def undo() -> None:
            subscription.close()
            self._rooms.forget_late(room, subscription)

        return undo

    def listen(
        self, names: tuple[str, ...], handler: Callable[..., object], room: str | None = None
    ) -> Callable[[], None]:
        """Call `handler` as `on` does, for several names in one queue; return the undo."""
        subscription = Handler(self._subscriptions, names, room, handler).subscription
        self._subscriptions.add(subscription)
        return subscription.close

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
        """Call `handler` for the next such event only; return the undo."""
        check_handler(handler)

        def call(*arguments: Any) -> object:
            undo()
            return handler(*arguments)

        undo = self.on(self._name_of(event), call, room=room)
        return undo

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
            *types: event types; `RoomReset` is one too. Without any, every event of
                the application is heard, as tuples that begin with its name.
            room: of this room only, which is joined while the iterator is open. If the server
                refuses it, then or later, the iterator raises that.
        """
        names = tuple(self._name_of(kind) for kind in types) or (ANY,)
        wakeup = Wakeup()
        subscription = self._subscriptions.create(names, room, wakeup.notify)
        leave = self._stay_in(room) if room is not None else lambda: None
        self._subscriptions.add(subscription)
        stream: EventStream[Any] = EventStream(subscription, wakeup, leave)
        self._streams.add(stream)
        return stream

    def on_entry(self, listener: Callable[[LogEntry], object]) -> Callable[[], None]:
        """Call `listener` for every entry of a room's log, as it came; return the undo.

        For tools that show or copy logs. It is called at once, before other handlers, each entry
        exactly once and in order; it must not block.
        """
        return self._inbox.entry_listeners.add(listener)

    def _stay_in(self, room: str, start: Start = None) -> Callable[[], None]:
        """Join a room; return the undo."""
        return partial(self._rooms.take_back, room, self._rooms.join(room, start))

    def _name_of(self, event: type[Any] | str) -> str:
        if isinstance(event, str):
            return event
        if not inspect.isclass(event):
            raise TypeError(f"{event!r} is neither an event type nor a name")
        return ROOM_RESET if event is RoomReset else self.contract.name_of(event)


def check_handler(handler: object) -> None:
    """Refuse what cannot be called, now and not with the first event.

    Raises:
        TypeError: it is no function.
    """
    if not callable(handler):
        raise TypeError(f"{handler!r} is no function that could handle events")
