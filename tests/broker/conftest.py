"""Every broker, for the one behaviour suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.log import RetentionLimits
from tests.broker.recording import ManualClock, RecordingReceiver


class SweepingBroker(Broker, Protocol):
    def sweep(self) -> None: ...


Make = Callable[[ManualClock, RetentionLimits], SweepingBroker]


def make_memory(path: Path) -> Make:
    return lambda clock, retention: MemoryBroker(clock=clock, retention=retention)


def make_sqlite(path: Path) -> Make:
    return lambda clock, retention: SQLiteBroker(path / "logs.db", clock=clock, retention=retention)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def receiver() -> RecordingReceiver:
    return RecordingReceiver()


@pytest.fixture
def retention() -> RetentionLimits:
    """Overridden by parametrisation where a test needs other bounds."""
    return RetentionLimits(max_age=3600.0)


@pytest.fixture(params=[make_memory, make_sqlite], ids=["memory", "sqlite"])
async def broker(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: ManualClock,
    receiver: RecordingReceiver,
    retention: RetentionLimits,
) -> AsyncIterator[SweepingBroker]:
    broker: SweepingBroker = request.param(tmp_path)(clock, retention)
    await broker.start(receiver)
    yield broker
    await broker.close()
