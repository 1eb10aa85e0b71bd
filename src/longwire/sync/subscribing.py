"""Subscribing to events without `await`: handlers and iterators, for all rooms or for one."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from longwire.client import Listener as AsyncListener
from longwire.client.receiving.subscribing import Subscribable as AsyncSubscribable
from longwire.sync.listener import Listener
from longwire.sync.loop_thread import LoopThread
from longwire.sync.stream import EventStream

T = TypeVar("T")
T2 = TypeVar("T2")
T3 = TypeVar("T3")


class Subscribable:
    """A client or a `Room`: something with events to subscribe to."""

    def __init__(self, thread: LoopThread, source: AsyncSubscribable) -> None:
        self._thread = thread
        self._source = source

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
        """Call `handler` for every such event from now on, on the handlers' thread.

        See `longwire.client.WebSocketClient.on`. The handler must be a plain function.
        """
        handler = self._thread.off_loop(handler)
        on: Callable[..., AsyncListener] = self._source.on
        listener = self._thread.call(on, event, handler, room=room, throttle=throttle)
        return Listener(self._thread, listener)

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
        """Call `handler` for the next such event only.

        Returns:
            A function that unsubscribes.
        """
        once: Callable[..., Callable[[], None]] = self._source.once
        return self._subscribe(once, event, self._thread.off_loop(handler), room=room)

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

        See `longwire.client.WebSocketClient.events`. `room` is joined while the iterator is open.
        """
        events: Callable[..., Any] = self._source.events
        return EventStream(self._thread, self._thread.call(events, *types, room=room))

    def _subscribe(
        self, register: Callable[..., Callable[[], None]], *args: Any, **kwargs: Any
    ) -> Callable[[], None]:
        """Subscribe on the loop's thread; return a function that unsubscribes there."""
        unsubscribe = self._thread.call(register, *args, **kwargs)
        return lambda: self._thread.call(unsubscribe)
