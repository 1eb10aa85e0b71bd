"""The consumers of a server, behind one object."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from longwire.broker import Broker
from longwire.errors import ConfigurationError
from longwire.schema import Contract
from longwire.server.consumers.consumer import Consumer
from longwire.server.consumers.delivery import ConsumerStatus, ParkedEvent
from longwire.server.consumers.feed import Feed
from longwire.server.consumers.parked import ParkedEvents
from longwire.server.consumers.registration import Registration
from longwire.server.rooms.hub import Hub


class Consumers:
    """Runs the consumers that the application registered. Without any, it does nothing.

    Args:
        broker: stores the logs.
        hub: the rooms of this node.
        contract: has the patterns of the rooms.
        parked_limit: how many events of all consumers may be parked.
    """

    def __init__(self, broker: Broker, hub: Hub, contract: Contract, parked_limit: int) -> None:
        self._broker = broker
        self._hub = hub
        self._registrations: dict[str, Registration] = {}
        self._running: dict[str, Consumer] = {}
        self._feed = Feed(broker, contract, self._notify)
        self._parked = ParkedEvents(broker, hub, parked_limit, self._retry)

    @property
    def status(self) -> list[ConsumerStatus]:
        """The consumers that run on this node, in the order of their registration."""
        return [consumer.status for consumer in self._running.values()]

    def check(self, name: str, *, is_started: bool) -> None:
        """Return if a consumer with this name may be registered.

        Raises:
            ConfigurationError: the server has started, or there is such a consumer.
        """
        if is_started:
            raise ConfigurationError(
                f"consumer {name!r} is registered after the server has started: register "
                "consumers where the server is created"
            )
        if name in self._registrations:
            raise ConfigurationError(
                f"there is a consumer {name!r} already: two consumers need two names, since the "
                "name stands for the position in the log"
            )

    def add(self, registration: Registration) -> None:
        """Run a consumer from the next start on."""
        self._registrations[registration.name] = registration

    async def start(self) -> None:
        """Start all consumers.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        if not self._registrations:
            return
        await self._parked.open()
        await self._feed.start()
        node = secrets.token_hex(8)
        for name, registration in self._registrations.items():
            consumer = Consumer(
                registration, self._broker, self._hub, self._feed, self._parked, node
            )
            await consumer.start()
            self._running[name] = consumer

    def serve(self) -> None:
        """Let all consumers work, now that the server has started."""
        for consumer in self._running.values():
            consumer.serve()

    async def close(self) -> None:
        """Stop all consumers; what they have not handled waits for the next start."""
        await self._feed.close()
        for consumer in self._running.values():
            await consumer.close()
        self._running.clear()
        await self._parked.close()

    async def parked(self, consumer: str | None) -> list[ParkedEvent]:
        """Return the parked events on all nodes; see `Server.parked`."""
        await self._parked.open()
        return self._parked.all(consumer)

    async def retry_parked(self, consumer: str, id: str) -> None:
        """Try a parked event again; see `Server.retry_parked`."""
        await self._parked.open()
        await self._parked.retry(consumer, id)

    async def discard_parked(self, consumer: str, id: str) -> None:
        """Drop a parked event; see `Server.discard_parked`."""
        await self._parked.open()
        await self._parked.discard(consumer, id)

    def _notify(self, rooms: Iterable[str], count: int) -> None:
        for consumer in self._running.values():
            consumer.notify(rooms, count)

    def _retry(self, event: ParkedEvent) -> None:
        consumer = self._running.get(event.consumer)
        if consumer is not None:
            consumer.retry(event)
