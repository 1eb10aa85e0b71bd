"""Fixtures of all brokers, for the common behaviour suite."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.log.retention import RetentionLimits
from tests.broker.recording import ManualClock, RecordingReceiver


class SweepingBroker(Broker, Protocol):
    def sweep(self) -> asyncio.Task[None] | None: ...


async def sweep(broker: SweepingBroker) -> None:
    """Make a broker delete old entries and rooms, and wait until it is done."""
    sweeping = broker.sweep()
    if sweeping is not None:
        await sweeping


Make = Callable[[ManualClock, RetentionLimits], SweepingBroker]

prefixes = (f"test{number}" for number in itertools.count())


def make_memory(request: pytest.FixtureRequest) -> Make:
    return lambda clock, retention: MemoryBroker(clock=clock, retention=retention)


def make_sqlite(request: pytest.FixtureRequest) -> Make:
    path: Path = request.getfixturevalue("tmp_path")
    return lambda clock, retention: SQLiteBroker(path / "logs.db", clock=clock, retention=retention)


def make_redis(request: pytest.FixtureRequest) -> Make:
    url = request.getfixturevalue("redis_server").url
    return lambda clock, retention: RedisBroker(
        url, prefix=next(prefixes), clock=clock, retention=retention
    )


@pytest.fixture
def prefix() -> str:
    return next(prefixes)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def receiver() -> RecordingReceiver:
    return RecordingReceiver()


@pytest.fixture
def retention() -> RetentionLimits:
    """Parametrized by tests that need other bounds."""
    return RetentionLimits(max_age=3600.0)


@pytest.fixture(params=[make_memory, make_sqlite, make_redis], ids=["memory", "sqlite", "redis"])
async def broker(
    request: pytest.FixtureRequest,
    clock: ManualClock,
    receiver: RecordingReceiver,
    retention: RetentionLimits,
) -> AsyncIterator[SweepingBroker]:
    broker: SweepingBroker = request.param(request)(clock, retention)
    await broker.start(receiver)
    yield broker
    await broker.close()
