"""Reads a whole log, slice by slice."""

from collections.abc import AsyncGenerator

from longwire.broker.base import Broker
from longwire.log.publication import History
from longwire.types import Position


async def read_slices(
    broker: Broker, room: str, since: Position | None = None, *, with_text: bool = True
) -> AsyncGenerator[History]:
    """Yield what follows `since`, or all that is retained, in consecutive slices.

    A slice with `recovered` False starts over at the beginning of the retained log, and the caller
    discards the slices before it. The first slice may be like that; a later one is if the log was
    trimmed beyond the end of the previous slice, or replaced, in the meantime.

    Raises:
        BrokerUnavailable: the log cannot be reached.
    """
    history = await broker.read(room, since, with_text=with_text)
    yield history
    while not history.complete:
        reached = Position(history.position.epoch, history.publications[-1].last)
        history = await broker.read(room, reached, with_text=with_text)
        yield history
