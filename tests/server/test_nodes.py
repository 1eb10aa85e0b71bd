"""Servers that share their logs through Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from longwire import Server, anonymous, issue_token, jwt_authenticator
from longwire.broker import open_broker
from longwire.catalog import Announcement, JobCreated, JobLease, JobProgress, JobStatusChanged
from tests.redis_server import RedisServer
from tests.server.raw_websocket import call, events, expect, sign_in, websocket
from tests.serving import SECRET, serving

LEASE = 0.6


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer(appendonly="yes", appendfsync="always") as server:
        yield server


@asynccontextmanager
async def node(redis: RedisServer, survey_interval: float = 30.0) -> AsyncIterator[Server]:
    broker = open_broker(redis.url)
    async with Server(
        authenticate=anonymous, broker=broker, job_survey_interval=survey_interval
    ) as server:
        yield server


async def begin(server: Server, job_id: str) -> None:
    await server.publish(JobCreated(job_id=job_id))
    await server.publish(JobStatusChanged(job_id=job_id, status="running"))
    await server.publish(JobLease(job_id=job_id, expires_in=LEASE))


async def work(server: Server, job_id: str, seconds: float) -> None:
    """Publish leases for `seconds`, as a worker does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(LEASE / 4)
        await server.publish(JobLease(job_id=job_id, expires_in=LEASE))


async def until_lost(server: Server, job_id: str) -> None:
    changed = asyncio.Event()

    def listener(message: object) -> None:
        changed.set()

    await server.hub.listen(f"job:{job_id}", listener)
    while True:
        changed.clear()
        state = await server.job_state(job_id)
        if state is not None and state.error_code == "worker_lost":
            return
        await changed.wait()


async def test_a_worker_that_publishes_through_another_node_is_not_declared_lost(
    redis: RedisServer,
) -> None:
    async with node(redis) as a:
        await begin(a, "1")
        async with node(redis) as b:
            await work(a, "1", 3 * LEASE)
            state = await b.job_state("1")
            assert state is not None
            assert state.is_running
            await work(b, "1", 3 * LEASE)
            state = await a.job_state("1")
            assert state is not None
            assert state.is_running


async def test_another_node_fails_a_job_whose_node_and_worker_died(
    redis: RedisServer,
) -> None:
    async with node(redis, 0.2) as b, node(redis, 0.2) as c:
        async with node(redis) as a:
            await begin(a, "1")
            await work(a, "1", LEASE)
        await asyncio.gather(until_lost(b, "1"), until_lost(c, "1"))
        history = await b.broker.read("job:1")
        events = [entry.event for entry in history.publications]

    assert events.count("job:failed") == 1


async def test_a_lease_that_runs_out_during_an_outage_is_handled_afterwards(
    redis: RedisServer,
) -> None:
    async with node(redis) as a:
        await begin(a, "1")
        redis.kill()
        await asyncio.sleep(2 * LEASE)
        await asyncio.to_thread(redis.start)
        await until_lost(a, "1")


async def test_members_on_other_nodes_are_removed_when_a_job_gets_an_owner(
    redis: RedisServer,
) -> None:
    options = {"authenticate": jwt_authenticator(SECRET), "shared_jobs": True}
    at_b = Server(broker=open_broker(redis.url), **options)
    async with node(redis) as a, serving(at_b) as url, websocket(url) as bob:
        await sign_in(bob, issue_token(SECRET, "bob"))
        assert (await call(bob, "join_room", "job:1"))["ok"]
        await a.publish(JobCreated(job_id="1", owner="ada", title="secret"))
        [refusal] = await events(bob, "room_error")
        await a.publish(JobProgress(job_id="1", progress=1, current_step="secret step"))
        await a.publish(Announcement(message="last", level="info"))
        assert refusal["error"]["code"] == "forbidden"
        assert "secret step" not in await expect(bob, '42["')
