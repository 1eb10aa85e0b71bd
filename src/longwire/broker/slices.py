"""Reads logs that may be longer than one slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from longwire.broker.base import Broker
    from longwire.log import History


async def read_slices(
    broker: Broker, room: str, since: Position | None = None, *, with_text: bool = True
) -> AsyncGenerator[History]:
    """Read all that follows `since`, or all that is retained: each slice where the last one ended.

    A slice that is not `recovered` begins with what is retained, the first one and, where the log
    was trimmed or began anew meanwhile, any other: what came before it does not count. For
    `with_text` see `Broker.read`.

    Raises:
        BrokerUnavailable: the log cannot be reached.
    """
    history = await broker.read(room, since, with_text=with_text)
    yield history
    while not history.complete:
        reached = Position(history.position.epoch, history.publications[-1].last)
        history = await broker.read(room, reached, with_text=with_text)
        yield history
