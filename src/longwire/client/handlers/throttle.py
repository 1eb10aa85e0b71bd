"""Holds events of a subscription back, and conflates them, while it is paused or throttled."""

import asyncio
import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec

from longwire.client.handlers.arguments import Arguments
from longwire.errors import InvalidRoom, UnknownEvent
from longwire.log.conflation import drop_superseded
from longwire.log.joined_text import MAX_JOINED
from longwire.schema import Contract

# Held events from which they are conflated; afterwards, whenever their number has doubled. So a
# paused handler costs amortized constant time per event, and memory for what cannot conflate.
FIRST_PASS = 64


class HeldEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that waits in a throttle.

    Attributes:
        arguments: What the handler will receive.
        slot: The room and slot within which the event conflates; None if it does not.
        field: The text field of a `Concat` event; None with a slot marks a `Latest` event.
    """

    arguments: Arguments
    slot: tuple[str | None, str] | None = None
    field: str | None = None


@dataclass(eq=False, repr=False, slots=True)
class Throttle:
    """Decides when a subscription's events go on to its handler.

    The first event of a throttled subscription passes at once. Events that arrive within the
    interval after it pass together at its end, conflated as their types declare: the newest of
    `Latest` per slot, the joined text of `Concat`, all others one by one, in the order of the log.

    Args:
        pending: The queue of the subscription.
        release: Called with the events that go on to the handler.
        contract: Declares how events conflate.
        interval: Seconds between two calls of the handler; 0 only allows pausing.

    Attributes:
        is_paused: Whether all events are held back until `resume`.
    """

    _pending: deque[Arguments]
    _release: Callable[[Iterable[Arguments]], None]
    _contract: Contract
    _interval: float
    _held: list[HeldEvent] = field(default_factory=list[HeldEvent])
    _next_pass: int = FIRST_PASS
    _timer: asyncio.TimerHandle | None = None
    is_paused: bool = False

    def __len__(self) -> int:
        return len(self._held)

    def offer(self, arguments: Arguments, room: str | None) -> bool:
        """Hold an event back if necessary; return False if it may pass now."""
        if not self.is_paused and self._timer is None:
            self._start_interval()
            return False
        self._held.append(self._classify(arguments, room))
        if len(self._held) >= self._next_pass:
            self._held = conflate(self._held)
            self._next_pass = max(FIRST_PASS, 2 * len(self._held))
        return True

    def pause(self) -> None:
        """Hold all events back, including those that the handler has not started with."""
        if not self.is_paused:
            self.is_paused = True
            self._held = [*map(HeldEvent, self._pending), *self._held]
            self._pending.clear()

    def resume(self) -> None:
        """Release the held events now, or at the end of the present interval."""
        self.is_paused = False
        if self._timer is None:
            self._release_held()

    def restart(self) -> None:
        """Start the present interval again: its timer may belong to an earlier event loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._start_interval()

    def close(self) -> None:
        """Drop all held events."""
        self._held = []
        if self._timer is not None:
            self._timer.cancel()

    def _start_interval(self) -> None:
        if self._interval:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._end_interval)

    def _end_interval(self) -> None:
        self._timer = None
        if self._pending:  # the handler is slower than the throttle
            self._start_interval()
        elif not self.is_paused:
            self._release_held()

    def _release_held(self) -> None:
        if not self._held:
            return
        held, self._held = self._held, []
        self._next_pass = FIRST_PASS
        self._start_interval()
        self._release(item.arguments for item in conflate(held))

    def _classify(self, arguments: Arguments, room: str | None) -> HeldEvent:
        value: object = arguments[-1] if arguments else None
        try:
            declaration = self._contract.declaration(self._contract.name_of(type(value)))
            if room is None and declaration.room is None:
                return HeldEvent(arguments)  # the room is unknown, so it must not replace anything
            # Without a position, the parameters of the event's room distinguish the slots.
            slot = self._contract.slot(value, room or "")
        except (UnknownEvent, InvalidRoom):
            return HeldEvent(arguments)
        if slot is None:
            return HeldEvent(arguments)
        return HeldEvent(arguments, (room, slot), declaration.text_field)


def conflate(items: list[HeldEvent]) -> list[HeldEvent]:
    """Drop `Latest` events that a later one replaces, and join adjacent `Concat` texts.

    As in the log, no event moves across another one.
    """
    newest = drop_superseded(items, lambda item: item.slot if item.field is None else None)
    runs = groupby(newest, key=lambda item: (item.slot, item.field))
    return [joined for (_, field), run in runs for joined in _join(list(run), field)]


def _join(run: list[HeldEvent], field: str | None) -> Iterator[HeldEvent]:
    if field is None or len(run) == 1:
        yield from run
        return
    texts: list[str] = []
    size = 0
    for index, item in enumerate(run):
        text: str = getattr(item.arguments[-1], field)
        if texts and size + len(text) > MAX_JOINED:
            yield _with_text(run[index - 1], field, "".join(texts))
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    yield _with_text(run[-1], field, "".join(texts))


def _with_text(item: HeldEvent, field: str, text: str) -> HeldEvent:
    event: Any = copy.copy(item.arguments[-1])
    if isinstance(event, msgspec.Struct):
        msgspec.structs.force_setattr(event, field, text)
    else:
        object.__setattr__(event, field, text)
    return HeldEvent((*item.arguments[:-1], event), item.slot, item.field)
