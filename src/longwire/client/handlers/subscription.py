"""The bounded queue between the read loop and one handler or iterator."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from longwire.client.handlers.arguments import Arguments
from longwire.client.handlers.throttle import Throttle
from longwire.schema import Contract

ANY = "*"
"""The event name that subscribes to every event."""


@dataclass(eq=False, repr=False, slots=True)
class Subscription:
    """A queue of events for one consumer.

    The read loop appends to the queue, the consumer takes from it, so a slow consumer fills its
    own queue only. A queue that reaches its capacity is *congested* until it is half empty; the
    inbox then leaves the room (or drops events without a position) instead of appending more.

    Args:
        names: The events to receive; `ANY` receives all of them.
        room: The only room to receive them from; None for all rooms.
        wake: Called after an event was appended, unless the consumer is awake.
        capacity: Queue length from which the subscription counts as congested.
        on_congestion: Called with 1 when the subscription becomes congested, with -1 afterwards.
        on_stop: Called when the subscription ends.
        answers: Whether the consumer's results may acknowledge events.

    Attributes:
        receives_all: Whether `names` contains `ANY`.
        pending: The queue, oldest event first.
        throttle: Holds events back before they enter the queue, once the consumer was paused or
            throttled.
        is_awake: Whether the consumer currently drains the queue and need not be woken.
        is_congested: Whether the queue was full and is not yet half empty.
    """

    names: tuple[str, ...]
    room: str | None
    wake: Callable[[], None]
    capacity: int
    on_congestion: Callable[[int], None]
    on_stop: Callable[[Subscription], None]
    answers: bool = False
    receives_all: bool = field(init=False)
    pending: deque[Arguments] = field(default_factory=deque[Arguments])
    throttle: Throttle | None = None
    is_awake: bool = False
    is_congested: bool = False

    def __post_init__(self) -> None:
        self.receives_all = ANY in self.names

    @property
    def size(self) -> int:
        """Number of events that wait, in the queue and in the throttle."""
        queued = len(self.pending)
        return queued if self.throttle is None else queued + len(self.throttle)

    @property
    def can_answer(self) -> bool:
        """Whether the consumer's result may acknowledge an event; a throttle may merge events."""
        return self.answers and self.throttle is None

    def ensure_throttle(self, contract: Contract, interval: float = 0.0) -> Throttle:
        """Return the throttle; create it at the first call."""
        if self.throttle is None:
            self.throttle = Throttle(self.pending, self.release, contract, interval)
        return self.throttle

    def push(self, arguments: Arguments, room: str | None = None) -> None:
        """Append one event and wake the consumer.

        Args:
            arguments: What the consumer receives.
            room: The event's room, if the server sent it with a position.
        """
        pending, throttle = self.pending, self.throttle
        if throttle is None or not throttle.offer(arguments, room):
            pending.append(arguments)
            if not self.is_awake:
                self.wake()
        size = len(pending) if throttle is None else self.size
        if size >= self.capacity and not self.is_congested:
            self.is_congested = True
            self.on_congestion(1)

    def release(self, events: Iterable[Arguments]) -> None:
        """Append events that the throttle held back."""
        self.pending.extend(events)
        if not self.is_awake:
            self.wake()

    def take(self) -> Arguments:
        """Remove and return the oldest event; the queue must not be empty."""
        arguments = self.pending.popleft()
        if self.is_congested and self.size <= self.capacity // 2:
            self._end_congestion()
        return arguments

    def _end_congestion(self) -> None:
        self.is_congested = False
        self.on_congestion(-1)

    def resume(self) -> None:
        """Wake the consumer again, which was cancelled with the last connection or event loop."""
        if self.throttle is not None:
            self.throttle.restart()
        if self.pending and not self.is_awake:
            self.wake()

    def stop(self) -> None:
        """Receive nothing more; events that wait may still be taken."""
        self.on_stop(self)
        if self.is_congested:
            self._end_congestion()

    def close(self) -> None:
        """Receive nothing more, and drop the events that wait."""
        self.stop()
        self.pending.clear()
        if self.throttle is not None:
            self.throttle.close()
