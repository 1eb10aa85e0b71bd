"""Publishers that are cancelled: an appended event is delivered and handled nevertheless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from longwire import Event, Identity, Server
from longwire.broker import open_broker
from longwire.catalog import (
    JobCompleted,
    JobCreated,
    JobLease,
    JobOutput,
    JobProgress,
    JobStatusChanged,
)
from longwire.prepared import PreparedMessage
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import serving

ROOM = "job:1"


async def by_name(token: str) -> Identity:
    return Identity(token)


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'log.db'}"
    async with Server(broker=open_broker(url), authenticate=by_name, shared_jobs=True) as server:
        yield server


class Received:
    """Records what a room delivers on this node."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.offsets: list[int] = []
        self._changed = asyncio.Event()

    def __call__(self, message: PreparedMessage) -> None:
        self.names.append(message.event)
        self.offsets.append(message.last)
        self._changed.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.names) < count:
                self._changed.clear()
                await self._changed.wait()


async def publish_and_be_cancelled(server: Server, event: Event, turns: int) -> None:
    """Cancel a publish after `turns` turns of the loop: before, while or after it is appended."""
    publishing = asyncio.create_task(server.publish(event))
    for _ in range(turns):
        await asyncio.sleep(0)
    publishing.cancel()
    with suppress(asyncio.CancelledError):
        await publishing


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
async def test_what_was_appended_is_delivered_in_order(server: Server, turns: int) -> None:
    received = Received()
    await server.hub.listen(ROOM, received)
    for number in range(20):
        await publish_and_be_cancelled(server, JobOutput(job_id="1", chunk=f"{number} "), turns)
    last = await server.publish(JobOutput(job_id="1", chunk="last"))
    await received.wait_for(last.offset)
    assert received.offsets == list(range(1, last.offset + 1))
    state = await server.job_state("1")
    assert state is not None
    numbers = [int(word) for word in "".join(c.text for c in state.output).split()[:-1]]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
async def test_a_job_is_announced_to_its_owner(server: Server, turns: int) -> None:
    received = Received()
    await server.hub.listen("user:ada", received)
    created = JobCreated(job_id="1", owner="ada")
    while await server.job_state("1") is None:
        await publish_and_be_cancelled(server, created, turns)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await received.wait_for(1)
    assert set(received.names) == {"job:created"}


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
async def test_members_who_may_no_longer_watch_a_job_are_removed(
    server: Server, turns: int
) -> None:
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, "bob", positions=True)
        assert (await call(connection, "join_room", ROOM))["ok"]
        created = JobCreated(job_id="1", owner="ada")
        async with asyncio.timeout(5):
            while server.hub.members(ROOM):
                await publish_and_be_cancelled(server, created, turns)
        assert await server.job_state("1") is not None


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
async def test_a_lease_is_watched_until_the_job_ends(server: Server, turns: int) -> None:
    received = Received()
    await server.hub.listen(ROOM, received)
    await server.publish(JobCreated(job_id="1"))
    while "job:lease" not in received.names:
        await publish_and_be_cancelled(server, JobLease(job_id="1", expires_in=0.3), turns)
        await asyncio.sleep(0.01)
    while "job:completed" not in received.names:
        completed = JobCompleted(job_id="1", result={}, cost=0, duration=1)
        await publish_and_be_cancelled(server, completed, turns)
        await asyncio.sleep(0.01)
    assert not server._jobs.leases.job_ids


async def test_concurrent_publications_are_appended_in_the_order_of_the_calls(
    server: Server,
) -> None:
    received = Received()
    await server.hub.listen(ROOM, received)
    await server.publish(JobCreated(job_id="1"))
    events = [
        JobStatusChanged(job_id="1", status="running"),
        JobOutput(job_id="1", chunk="a"),
        JobLease(job_id="1", expires_in=60),
        JobProgress(job_id="1", progress=1, current_step="b"),
        JobOutput(job_id="1", chunk="c"),
    ] * 10
    positions = await asyncio.gather(*(server.publish(event) for event in events))
    await received.wait_for(1 + len(events))
    assert [position.offset for position in positions] == list(range(2, 2 + len(events)))
