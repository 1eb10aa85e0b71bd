"""Servers that are closed and started again, as the tests of an application do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from longwire import Server, anonymous
from longwire.broker import MemoryBroker, SQLiteBroker
from longwire.catalog import Announcement
from longwire.errors import BrokerUnavailable, ConfigurationError
from tests.server.raw_websocket import call, events, sign_in, websocket
from tests.serving import serving


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_restarted_server_has_no_members_of_its_previous_run(
    kind: str, tmp_path: Path
) -> None:
    """It considered rooms open that its broker was no longer subscribed to."""
    broker = MemoryBroker() if kind == "memory" else SQLiteBroker(tmp_path / "logs.db")
    server = Server(authenticate=anonymous, broker=broker, shared_jobs=True)

    async def use() -> None:
        async with serving(server) as url, websocket(url) as client:
            await sign_in(client, "anybody")
            assert [len(server.hub.members(room)) for room in ("global", "job:1")] == [1, 0]
            assert (await call(client, "join_room", "job:1"))["ok"] is True
            await server.publish(Announcement(message="first"), room="global")
            assert (await events(client, "announcement"))[0]["message"] == "first"

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, use())


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_job_that_runs_when_its_server_stops_is_interrupted(
    kind: str, tmp_path: Path
) -> None:
    """The job reopened the broker while it was being closed, and appeared to run forever."""
    broker = MemoryBroker() if kind == "memory" else SQLiteBroker(tmp_path / "logs.db")
    server, entered = Server(authenticate=anonymous, broker=broker), asyncio.Event()

    async def work() -> None:
        async with server.job(job_id="1") as job:
            entered.set()
            while True:
                await job.output("and on ")

    async with serving(server):
        working = asyncio.create_task(work())
        await entered.wait()
    with pytest.raises(asyncio.CancelledError):
        await working
    with pytest.raises(ConfigurationError, match="start it again"):
        await server.publish(Announcement(message="too late"), room="global")
    if kind == "sqlite":
        async with server:
            state = await server.job_state("1")
            assert state is not None
            assert (state.status, state.error_code) == ("failed", "interrupted")


async def test_a_job_may_close_the_server_that_it_runs_on() -> None:
    server = Server(authenticate=anonymous)
    with pytest.raises(ConfigurationError):
        async with server.job():
            await server.close()


class SlowBroker(MemoryBroker):
    """Subscribes slowly, and not at all while `is_unavailable`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_unavailable = False
        self.refused, self.subscribed, self.unsubscribed = (asyncio.Event() for _ in range(3))

    async def subscribe(self, room: str) -> None:
        await asyncio.sleep(0.05)
        if self.is_unavailable:
            self.refused.set()
            raise BrokerUnavailable("not now")
        await super().subscribe(room)
        self.subscribed.set()

    async def unsubscribe(self, room: str) -> None:
        await super().unsubscribe(room)
        self.unsubscribed.set()


async def test_a_job_receives_cancel_requests_after_its_room_became_available() -> None:
    """Listening was not retried, so requests to cancel had no effect."""
    broker = SlowBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        broker.is_unavailable = True
        async with asyncio.timeout(5), server.job(job_id="1") as job:
            await broker.refused.wait()
            broker.is_unavailable = False
            await broker.subscribed.wait()
            await server.cancel_job("1")
            await asyncio.Event().wait()
    assert job.cancelled


async def test_a_job_that_starts_its_server_can_be_cancelled() -> None:
    """It listened before the server had started."""
    server = Server(authenticate=anonymous)
    async with asyncio.timeout(5), server.job(job_id="1") as job:
        await server.cancel_job("1")
        await asyncio.Event().wait()
    await server.close()
    assert job.cancelled


async def test_a_short_job_leaves_no_listener_behind() -> None:
    """The job ended before its listener was added, which then stayed forever."""
    broker = SlowBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        async with server.job(job_id="1"):
            pass
        await asyncio.wait_for(broker.unsubscribed.wait(), 5)
