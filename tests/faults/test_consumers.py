"""Consumers whose servers are killed and frozen."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ledger import (
    CONCURRENCY,
    POISON,
    Completion,
    Ledger,
    LedgerProcess,
    ledger_processes,
)
from tests.redis_server import RedisServer

pytestmark = pytest.mark.timeout(120)

SHARDS = 16
TAKEOVER = 10.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that acknowledges a write only after it is on disk."""
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as server:
        yield server


def round_of(number: int, jobs: int) -> list[Completion]:
    """One completion for each job, so that the log of each job has them in the order of rounds."""
    return [(f"job{job}", number) for job in range(jobs)]


async def publish(process: LedgerProcess, events: list[Completion]) -> None:
    assert await process.publish(events)


async def until_shared(*processes: LedgerProcess) -> None:
    """Wait until the processes share all shards evenly."""
    while True:
        found = [(await process.status())["shards"] for process in processes]
        if found == [SHARDS // len(processes)] * len(processes):
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("rounds", "jobs"),
    [(4, 50), pytest.param(20, 100, marks=[pytest.mark.soak, pytest.mark.timeout(600)])],
)
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_every_completion_is_charged_when_the_server_is_killed(
    tmp_path: Path, kind: str, rounds: int, jobs: int, request: pytest.FixtureRequest
) -> None:
    """A kill can fall into any moment: before, in and after a handler, and in a publication."""
    broker = f"sqlite:///{tmp_path}/log.db"
    if kind == "redis":
        broker = request.getfixturevalue("redis").url
    ledger, chance = Ledger(), random.Random(7)
    async with ledger_processes(ledger, broker, "a") as [process]:
        for number in range(rounds):
            events = round_of(number, jobs)
            publishing = asyncio.create_task(process.publish(events))
            await ledger.advance(chance.randrange(1, jobs))
            await process.kill()
            await publishing
            await process.start()
            await publish(process, events)
        every = [event for number in range(rounds) for event in round_of(number, jobs)]
        await ledger.complete(every)
        await process.stop()
    assert ledger.check(every) <= rounds * CONCURRENCY


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(10, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
async def test_another_node_takes_over_the_rooms_of_a_node_that_was_killed(
    redis: RedisServer, rounds: int
) -> None:
    ledger, every, delays = Ledger(), [], []
    async with ledger_processes(ledger, redis.url, "a", "b") as [a, b]:
        for number in range(rounds):
            dying, living = (a, b) if number % 2 == 0 else (b, a)
            await until_shared(a, b)
            before, after = round_of(2 * number, 60), round_of(2 * number + 1, 60)
            every += before + after
            await publish(living, before)
            await ledger.complete(before)
            shares = {charge.node for charge in ledger.charges[-60:]}
            assert shares == {"a", "b"}
            await dying.kill()
            killed_at = time.time()
            await publish(living, after)
            await ledger.complete(after)
            delays.append(max(charge.at for charge in ledger.charges[-60:]) - killed_at)
            await dying.start()
    duplicates = ledger.check(every)
    print(f"taken over after {', '.join(f'{delay:.1f}' for delay in delays)} s")
    assert duplicates <= rounds * CONCURRENCY
    if rounds > 1:
        assert max(delays) < TAKEOVER


async def test_a_node_that_was_frozen_does_not_move_positions_back(redis: RedisServer) -> None:
    ledger = Ledger()
    async with ledger_processes(ledger, redis.url, "a", "b") as [a, b]:
        await until_shared(a, b)
        first, second, third = (round_of(number, 60) for number in range(3))
        publishing = asyncio.create_task(publish(b, first))
        await ledger.advance(5)
        a.freeze()
        await publishing
        await ledger.complete(first)
        await until_shared(b)
        await publish(b, second)
        await ledger.complete(second)
        a.thaw()
        await until_shared(a, b)
        await publish(a, third)
        await ledger.complete(third)
        charged = len(ledger.charges)
        await a.stop()
        await until_shared(b)
        await publish(b, [("last", 0)])
        await ledger.complete([("last", 0)])
    every = [*first, *second, *third, ("last", 0)]
    assert {charge.node for charge in ledger.charges[:charged]} == {"a", "b"}
    assert len(ledger.charges) == charged + 1  # nothing was handled again
    assert len(ledger.charges) - len(every) <= CONCURRENCY


async def test_a_poison_event_is_parked_while_others_go_on(tmp_path: Path) -> None:
    ledger = Ledger()
    async with ledger_processes(ledger, f"sqlite:///{tmp_path}/log.db", "a") as [process]:
        await publish(process, [("poisoned", POISON), ("other", 1)])
        await publish(process, [("poisoned", 2), ("other", 2)])
        events = [("other", 1), ("other", 2), ("poisoned", 2)]
        await ledger.complete(events)
        status = await process.status()
    assert status["parked"] == ["ValueError: poison"]
    assert ledger.check(events) == 0


async def test_a_server_that_is_stopped_and_started_repeats_nothing(redis: RedisServer) -> None:
    ledger, every = Ledger(), []
    for number in range(3):
        async with ledger_processes(ledger, redis.url, "a") as [process]:
            events = round_of(number, 30)
            every += events
            await publish(process, events)
            await process.stop()
    async with ledger_processes(ledger, redis.url, "a"):
        await ledger.complete(every)
    assert ledger.check(every) == 0
