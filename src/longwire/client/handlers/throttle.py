"""Holding events of a subscription back, conflated, while it is paused or throttled."""

from __future__ import annotations

import asyncio
import copy
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from longwire.errors import InvalidRoom, UnknownEvent

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator

    from longwire.client.handlers.subscriptions import Arguments
    from longwire.schema import Contract

# Fewer events than these are not worth a pass; beyond, one is made whenever their number doubled.
FIRST_PASS = 64

# Characters of joined text in one event: as much as the server joins.
MAX_JOINED = 256 * 1024


class Held(msgspec.Struct, frozen=True, gc=False):
    """An event that waits.

    Attributes:
        arguments: what the handler will get.
        slot: room and slot within which it conflates; None keeps it.
        field: the text field that is appended; None with a slot keeps the latest.
    """

    arguments: Arguments
    slot: tuple[str | None, str] | None = None
    field: str | None = None


class Consumer(Protocol):
    """What a gate needs of its subscription."""

    pending: deque[Arguments]

    def release(self, events: Iterable[Arguments]) -> None:
        """Hand events on to the handler."""
        ...


class Gate:
    """Decides when a subscription's events go on to its handler.

    The first event of a throttled subscription goes on at once; what comes within the interval
    after it goes on together at its end, each slot conflated as the event declares: the newest of
    `Latest`, the joined text of `Concat`, everything else one by one. Order is the log's.

    Args:
        consumer: the subscription.
        contract: tells how events conflate.
        interval: seconds between two times; 0 for a gate that only pauses.

    Attributes:
        is_paused: whether everything is held back until `resume`.
    """

    __slots__ = (
        "_consumer",
        "_contract",
        "_held",
        "_interval",
        "_next_pass",
        "_timer",
        "is_paused",
    )

    def __init__(self, consumer: Consumer, contract: Contract, interval: float) -> None:
        self._consumer = consumer
        self._contract = contract
        self._interval = interval
        self._held: list[Held] = []
        self._next_pass = FIRST_PASS
        self._timer: asyncio.TimerHandle | None = None
        self.is_paused = False

    def __len__(self) -> int:
        return len(self._held)

    def holds(self, arguments: Arguments, room: str | None) -> bool:
        """Whether an event waits here; otherwise the consumer takes it."""
        if not self.is_paused and self._timer is None:
            self._wait()
            return False
        self._held.append(self._classify(arguments, room))
        if len(self._held) >= self._next_pass:
            self._held = conflate(self._held)
            self._next_pass = max(FIRST_PASS, 2 * len(self._held))
        return True

    def pause(self) -> None:
        """Hold everything back, what the handler has not begun with included."""
        if not self.is_paused:
            self.is_paused = True
            self._held = [*map(Held, self._consumer.pending), *self._held]
            self._consumer.pending.clear()

    def resume(self) -> None:
        """Let go on what was held back, now or at the throttle's next time."""
        self.is_paused = False
        if self._timer is None:
            self._release()

    def restart(self) -> None:
        """Begin the interval anew: the loop that would have ended it may be another one."""
        if self._timer is not None:
            self._timer.cancel()
            self._wait()

    def close(self) -> None:
        """Drop everything."""
        self._held = []
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        if self._interval:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._beat)

    def _beat(self) -> None:
        self._timer = None
        if self._consumer.pending:  # the handler is slower than the throttle
            self._wait()
        elif not self.is_paused:
            self._release()

    def _release(self) -> None:
        if not self._held:
            return
        held, self._held = self._held, []
        self._next_pass = FIRST_PASS
        self._wait()
        self._consumer.release(item.arguments for item in conflate(held))

    def _classify(self, arguments: Arguments, room: str | None) -> Held:
        value: object = arguments[-1] if arguments else None
        try:
            declaration = self._contract.declaration(self._contract.name_of(type(value)))
            if room is None and declaration.room is None:
                return Held(arguments)  # of any room: it replaces nothing
            # What came without a position is told apart by the parameters of its own room.
            slot = self._contract.slot(value, room or "")
        except (UnknownEvent, InvalidRoom):
            return Held(arguments)
        if slot is None:
            return Held(arguments)
        return Held(arguments, (room, slot), declaration.text_field)


def conflate(items: list[Held]) -> list[Held]:
    """Merge what conflates: a later one replaces an earlier one, adjacent texts are joined.

    As in the log, nothing moves across another event.
    """
    runs = groupby(_newest(items), key=lambda item: (item.slot, item.field))
    return [joined for (_, field), run in runs for joined in _join(list(run), field)]


def _newest(items: list[Held]) -> list[Held]:
    seen: set[object] = set()
    kept: list[Held] = []
    for item in reversed(items):
        if item.slot is not None and item.field is None:
            if item.slot in seen:
                continue
            seen.add(item.slot)
        kept.append(item)
    kept.reverse()
    return kept


def _join(run: list[Held], field: str | None) -> Iterator[Held]:
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


def _with_text(item: Held, field: str, text: str) -> Held:
    event: Any = copy.copy(item.arguments[-1])
    if isinstance(event, msgspec.Struct):
        msgspec.structs.force_setattr(event, field, text)
    else:
        object.__setattr__(event, field, text)
    return Held((*item.arguments[:-1], event), item.slot, item.field)
