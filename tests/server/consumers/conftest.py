"""Servers with consumers, on all brokers."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from longwire import CATALOG, Contract, Event, Server
from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.server import Delivery, anonymous
from longwire.types import Concat, Latest

prefixes = (f"consumers{number}" for number in itertools.count())


class Paid(Event, name="paid", room="account:{account}"):
    account: str
    number: int


class Balance(Event, name="balance", room="account:{account}", conflate=Latest()):
    account: str
    amount: int


class Words(Event, name="words", room="account:{account}", conflate=Concat("text")):
    account: str
    text: str


CONTRACT = CATALOG | Contract([Paid, Balance, Words])

Open = Callable[[], Broker]


@pytest.fixture(params=["sqlite", "redis"])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Returns a function that opens the same log again."""
    if request.param == "sqlite":
        return lambda: SQLiteBroker(tmp_path / "logs.db")
    url, prefix = request.getfixturevalue("redis_server").url, next(prefixes)
    return lambda: RedisBroker(url, prefix=prefix)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Broker:
    if request.param == "memory":
        return MemoryBroker()
    if request.param == "sqlite":
        return SQLiteBroker(tmp_path / "logs.db")
    return RedisBroker(request.getfixturevalue("redis_server").url, prefix=next(prefixes))


def edit(file: Path, *statements: str) -> None:
    """Change a log file while no server has it open."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_server(broker: Broker | None = None, **options: object) -> Server:
    return Server(contract=CONTRACT, broker=broker, authenticate=anonymous, **options)


class Ledger:
    """A handler that records what it received, and fails on request."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.failing: set[int] = set()
        self._changed = asyncio.Condition()

    async def handle(self, event: Paid, delivery: Delivery) -> None:
        async with self._changed:
            self._changed.notify_all()
        self.deliveries.append(delivery)
        if event.number in self.failing:
            raise ValueError(f"no account for {event.number}")
        self.numbers[event.account].append(event.number)

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            # The handler notifies before it records: the waiter runs in a later turn of the loop.
            await self._changed.wait_for(condition)

    async def until(self, count: int) -> None:
        """Wait for a number of handled events."""
        await self.wait(lambda: sum(map(len, self.numbers.values())) >= count)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition of the server holds that nothing announces."""
    while not condition():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.01)
