"""Operators' actions from a process that serves no clients, through the servers' broker."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from longwire.broker import Broker
from longwire.server.control.control import Control
from longwire.server.limits import Limits
from longwire.server.rooms.hub import Hub


@asynccontextmanager
async def open_control(broker: Broker) -> AsyncGenerator[Control]:
    """Start a broker for the duration of the body, to act on all servers that share it.

    Raises:
        BrokerUnavailable: the broker cannot be reached.
        LogFileError: the file with the logs cannot be used, for example because a server uses it.
    """
    hub = Hub(broker)
    control = Control(broker, hub, Limits(), list)
    await broker.start(hub)
    try:
        await control.start()
        yield control
    finally:
        await control.close()
        await hub.close()
        await broker.close()
