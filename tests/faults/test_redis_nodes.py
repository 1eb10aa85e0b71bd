"""Two servers that share a Redis, while servers, Redis and notifications fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from longwire import WebSocketClient
from longwire.catalog import Announcement, JobStatusChanged
from longwire.jobs import Job
from longwire.testing import History
from tests.faults.load import ROOM, Load, event
from tests.faults.preloaded import PreloadedServer
from tests.redis_server import RedisServer
from tests.serving import ServerProcess

pytestmark = pytest.mark.timeout(60)

QUICK = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.1}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that acknowledges a write only after it is on disk."""
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as server:
        yield server


@pytest.fixture
def nodes(redis: RedisServer) -> Iterator[tuple[PreloadedServer, PreloadedServer]]:
    with (
        PreloadedServer(f"--broker={redis.url}") as a,
        PreloadedServer(f"--broker={redis.url}") as b,
    ):
        yield a, b


def client(node: ServerProcess, user: str = "ada", *, service: bool = False) -> WebSocketClient:
    return WebSocketClient(node.url, token=node.token(user, service=service), **QUICK)


@asynccontextmanager
async def loaded(
    history: History, a: ServerProcess, b: ServerProcess
) -> AsyncIterator[tuple[Load, Load]]:
    """Run publishers and readers at both nodes until all readers have caught up."""
    async with (
        client(a, "worker", service=True) as worker_a,
        client(b, "worker", service=True) as worker_b,
        client(a) as at_a,
        client(b) as at_b,
    ):
        for name, reader in (("at a", at_a), ("at b", at_b)):
            history.reader(name).follow(reader, ROOM)
            await reader.join_room(ROOM)
        loads = Load(history, worker_a), Load(history, worker_b)
        running = [asyncio.create_task(load.run()) for load in loads]
        yield loads
        for load in loads:
            await load.advance(50)
            load.stop()
        await asyncio.gather(*running)
        await history.caught_up()


async def test_events_reach_readers_at_the_other_node(
    nodes: tuple[PreloadedServer, PreloadedServer],
) -> None:
    history = History()
    async with loaded(history, *nodes) as loads:
        for load in loads:
            await load.advance(300)
    proof = history.check()
    assert proof.published >= 600
    assert (proof.unknown, proof.restarts) == (0, 0)


async def test_a_reader_resumes_at_the_other_node(
    nodes: tuple[PreloadedServer, PreloadedServer],
) -> None:
    a, b = nodes
    history = History()
    async with client(a, "worker", service=True) as worker:
        async with client(a) as ada:
            history.reader("ada").follow(ada, ROOM)
            await ada.join_room(ROOM)
            for number in range(20):
                await history.publish(worker, event(number), room=ROOM)
            await history.caught_up()
            position = ada.position(ROOM)
            assert history.reader("ada").position(ROOM) == position
            del history.reader("ada").segments[ROOM]
        for number in range(20, 40):
            await history.publish(worker, event(number), room=ROOM)
        async with client(b) as ada:
            history.reader("ada, later").follow(ada, ROOM)
            history.reader("ada, later").join(ROOM, after=position)
            joined = await ada.join_room(ROOM, position)
            await history.caught_up()
    assert joined.recovered
    assert history.check().restarts == 0


async def test_a_job_is_watched_listed_and_cancelled_at_the_other_node(
    nodes: tuple[PreloadedServer, PreloadedServer],
) -> None:
    a, b = nodes
    ended: asyncio.Future[JobStatusChanged] = asyncio.get_running_loop().create_future()
    started = asyncio.Event()

    def receive(status: JobStatusChanged) -> None:
        if status.status == "running":
            started.set()
        elif not ended.done():
            ended.set_result(status)

    async with client(a, "worker", service=True) as worker, client(b) as ada:
        ada.on(JobStatusChanged, receive, room="job:long")
        await ada.join_room("job:long")

        async def work() -> None:
            async with Job(worker, job_id="long", owner="ada", title="Long") as job:
                await job.progress(10, "working")
                await job.flush()
                await asyncio.Event().wait()

        working = asyncio.create_task(work())
        await started.wait()
        listed = (await b.request("GET", "/api/jobs", token=b.token("ada"))).json()
        cancelled = await b.request("POST", "/api/jobs/long/cancel", {}, b.token("ada"))
        status = await ended
        await working
        again = await a.request("POST", "/api/jobs/long/cancel", {}, a.token("ada"))

    assert cancelled.status_code == 202, cancelled.text
    assert [job["jobId"] for job in listed["jobs"]] == ["long"]
    assert status.status == "cancelled"
    assert again.status_code == 409, again.text


async def test_acknowledged_events_are_delivered_once_when_nodes_are_killed(
    nodes: tuple[PreloadedServer, PreloadedServer],
) -> None:
    history = History()
    async with loaded(history, *nodes) as loads:
        for kill in range(10):
            await loads[kill % 2].advance(30 + 7 * kill)
            nodes[kill % 2].kill()
            await asyncio.to_thread(nodes[kill % 2].start)
    proof = history.check()
    assert proof.published >= 10 * 30
    assert (proof.unknown, proof.restarts) == (0, 0)


async def test_acknowledged_events_are_delivered_once_when_notifications_are_lost(
    redis: RedisServer, nodes: tuple[PreloadedServer, PreloadedServer]
) -> None:
    history = History()
    async with loaded(history, *nodes) as loads:
        for kill in range(15):
            await loads[kill % 2].advance(40)
            await asyncio.to_thread(redis.run, "CLIENT", "KILL", "TYPE", "pubsub")
    proof = history.check()
    assert (proof.unknown, proof.restarts) == (0, 0)


async def test_acknowledged_events_are_delivered_once_when_redis_is_killed(
    redis: RedisServer, nodes: tuple[PreloadedServer, PreloadedServer]
) -> None:
    history = History()
    async with loaded(history, *nodes) as loads:
        for kill in range(8):
            await loads[kill % 2].advance(30 + 7 * kill)
            await asyncio.to_thread(redis.restart)
    proof = history.check()
    assert proof.published >= 8 * 30
    assert (proof.unknown, proof.restarts) == (0, 0)


@pytest.mark.parametrize("appendonly", ["yes", "no"])
async def test_all_readers_start_over_when_redis_may_have_lost_entries(
    tmp_path: Path, appendonly: str
) -> None:
    """The final log contains each entry once, whatever Redis still has after a restart."""
    history = History()
    with (
        RedisServer(tmp_path, appendonly=appendonly, appendfsync="everysec") as redis,
        PreloadedServer(f"--broker={redis.url}") as a,
        PreloadedServer(f"--broker={redis.url}") as b,
    ):
        async with (
            client(a, "worker", service=True) as worker,
            client(a) as at_a,
            client(b) as at_b,
        ):
            for name, reader in (("at a", at_a), ("at b", at_b)):
                history.reader(name).follow(reader, ROOM)
                await reader.join_room(ROOM)
            for kill in range(3):
                for number in range(20):
                    note = Announcement(message=f"{kill}.{number}", level="info")
                    await history.publish(worker, note, room=ROOM)
                await history.caught_up()
                await asyncio.to_thread(redis.restart)
            await history.publish(worker, Announcement(message="end", level="info"), room=ROOM)
            await history.caught_up()
    assert history.check().restarts == 6
