"""The events that consumers have parked, on all nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from longwire.broker import Broker
from longwire.errors import ConfigurationError
from longwire.server.consumers.delivery import ParkedEvent
from longwire.server.control.table import Table
from longwire.server.errors import UnknownParkedEvent
from longwire.server.rooms.hub import Hub

PARKED_ROOM: Final = "control parked"


class ParkedEvents:
    """A table of the parked events of all consumers.

    It is read when it is first used, so that a server without consumers does not follow it.

    Args:
        broker: stores the table.
        hub: delivers its changes.
        limit: the largest number of events.
        on_retry: called on every node with an event that is to be tried again.
    """

    def __init__(
        self, broker: Broker, hub: Hub, limit: int, on_retry: Callable[[ParkedEvent], None]
    ) -> None:
        self._on_retry = on_retry
        self._table = Table(broker, hub, PARKED_ROOM, ParkedEvent, limit, self._receive)
        self._is_open = False
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Read the table, and follow it.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        async with self._opening:
            if not self._is_open:
                await self._table.start()
                self._is_open = True

    async def close(self) -> None:
        """Stop following the table."""
        self._is_open = False
        self._opening = asyncio.Lock()  # a lock belongs to the event loop that used it
        await self._table.close()

    def all(self, consumer: str | None = None) -> list[ParkedEvent]:
        """Return the parked events of a consumer, or of all, oldest first."""
        events = [event for _, event in self._table.items()]
        found = [event for event in events if consumer in (None, event.consumer)]
        return sorted(found, key=lambda event: (event.parked_at, event.id))

    def get(self, consumer: str, id: str) -> ParkedEvent | None:
        """Return a parked event, None if there is no such event."""
        return self._table.get(_key(consumer, id))

    async def put(self, event: ParkedEvent) -> None:
        """Park an event, or replace what is known about one.

        Raises:
            TableFull: there are as many parked events as there may be.
            BrokerUnavailable: the log cannot be reached.
        """
        await self._table.update(_key(event.consumer, event.id), lambda _: event)

    async def amend(self, event: ParkedEvent) -> None:
        """Replace what is known about an event, unless it was discarded; raises like `put`."""
        await self._table.update(
            _key(event.consumer, event.id), lambda known: None if known is None else event
        )

    async def remove(self, consumer: str, id: str) -> None:
        """Drop an event that was handled; raises `BrokerUnavailable`."""
        await self._table.update(_key(consumer, id), lambda _: None)

    async def retry(self, consumer: str, id: str) -> None:
        """Ask for another attempt; see `Server.retry_parked`."""

        def ask(known: ParkedEvent | None) -> ParkedEvent:
            return replace(_existing(known, consumer, id), is_retrying=True)

        await self._table.update(_key(consumer, id), ask)

    async def discard(self, consumer: str, id: str) -> None:
        """Drop an event for good; see `Server.discard_parked`."""

        def drop(known: ParkedEvent | None) -> None:
            _existing(known, consumer, id)

        await self._table.update(_key(consumer, id), drop)

    def _receive(self, key: str, event: ParkedEvent | None) -> None:
        if event is not None and event.is_retrying:
            self._on_retry(event)


def _existing(known: ParkedEvent | None, consumer: str, id: str) -> ParkedEvent:
    if known is None:
        raise UnknownParkedEvent(f"consumer {consumer!r} has no parked event with the id {id!r}")
    return known


def _key(consumer: str, id: str) -> str:
    if not consumer or " " in consumer:
        raise ConfigurationError(f"{consumer!r} is not the name of a consumer")
    return f"{consumer} {id}"
