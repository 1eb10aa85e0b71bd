"""A server on each broker."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from longwire import Server
from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.testing import authenticate_by_name


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Broker]:
    """Return a function that opens the same logs again, except those in memory."""
    if request.param == "memory":
        return MemoryBroker
    if request.param == "sqlite":
        return lambda: SQLiteBroker(tmp_path / "logs.db")
    url, prefix = request.getfixturevalue("redis_server").url, secrets.token_hex(4)
    return lambda: RedisBroker(url, prefix=prefix)


@pytest.fixture
async def any_server(make_broker: Callable[[], Broker]) -> AsyncIterator[Server]:
    """A server on each of the brokers."""
    server = Server(authenticate=authenticate_by_name, broker=make_broker())
    async with server:
        yield server
