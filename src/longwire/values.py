"""Values that several people change: the newest event of a key, and updates by compare-and-set."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import msgspec
from msgspec.structs import replace

from longwire.errors import ConfigurationError, Conflict
from longwire.schema import Contract, Event
from longwire.types import Position

T = TypeVar("T")

RETRIES: Final = 5
"""How often `update` starts over after a conflict, before it raises."""
_FIRST_PAUSE: Final = 0.01
"""The longest pause in seconds before the first retry; it doubles with each further one."""

Change = Callable[[T | None], T | Awaitable[T]]
"""Returns the event to publish, given the newest one of the key, or None; may be `async`."""


class Snapshot(msgspec.Struct, Generic[T], frozen=True):
    """A value, and its position in the log of its room.

    Attributes:
        value: the newest event of a key; with `Merge`, all patches so far in one event.
        position: where it is; `publish(…, expect=position)` replaces exactly this value.
    """

    value: T
    position: Position


class Publish(Protocol):
    """`publish` of a server or a client."""

    def __call__(
        self, event: Any, *, room: str | None, expect: Position | None
    ) -> Awaitable[Position]:
        """Append an event if the newest one of its key is at a position."""
        ...


class Values:
    """Reads and updates values, for a server or a client.

    Args:
        contract: declares the events.
        read: returns position and payload of the newest entry, given the room, the event's name and
            the key; None if there is none.
        publish: publishes an event.
    """

    def __init__(
        self,
        contract: Contract,
        read: Callable[[str, str, tuple[object, ...]], Awaitable[tuple[Position, bytes] | None]],
        publish: Publish,
    ) -> None:
        self._contract = contract
        self._read = read
        self._publish = publish

    async def latest(self, room: str, kind: type[T], key: object) -> Snapshot[T] | None:
        """Return the newest value of a key in a room; None without one."""
        values = as_key(key)
        self._contract.slot_of(kind, values, room)
        found = await self._read(room, self._contract.name_of(kind), values)
        if found is None:
            return None
        position, data = found
        return Snapshot(self._contract.decode(kind, data), position)

    async def update(self, room: str, kind: type[T], key: object, change: Change[T]) -> Position:
        """Replace the newest value by what `change` makes of it; see `ServerRoom.update`."""
        for retry in range(RETRIES + 1):
            newest = await self.latest(room, kind, key)
            changed = change(None if newest is None else newest.value)
            event = cast("T", await changed if inspect.isawaitable(changed) else changed)
            event = replacement(self._contract, room, kind, key, newest, event)
            try:
                expect = None if newest is None else newest.position
                return await self._publish(event, room=room, expect=expect)
            except Conflict:
                if retry == RETRIES:
                    raise
            await asyncio.sleep(pause(retry))
        raise AssertionError("unreachable")


def replacement(
    contract: Contract,
    room: str,
    kind: type[T],
    key: object,
    newest: Snapshot[T] | None,
    event: T,
) -> T:
    """Return the event that replaces a value, without a timestamp that was copied from it.

    Raises:
        ConfigurationError: the event has another key.
    """
    if contract.slot(event, room) != contract.slot_of(kind, as_key(key), room):
        raise ConfigurationError(f"the changed event must have the key {key!r} of the old one")
    if newest is None or not isinstance(event, Event) or not isinstance(newest.value, Event):
        return event
    return replace(event, timestamp=0) if event.timestamp == newest.value.timestamp else event


def as_key(key: object) -> tuple[object, ...]:
    """Return the values of a key that an application gave: one value, or several in order."""
    if isinstance(key, tuple | list):
        return tuple(key)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return (key,)


def pause(retry: int) -> float:
    """Return how many seconds to wait before a retry, from 0; random, so that writers disperse."""
    return random.uniform(0, _FIRST_PAUSE * 2**retry)  # noqa: S311
