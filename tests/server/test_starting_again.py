"""A server that is closed and started again, as each test of an application does with it."""

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
async def test_nobody_of_the_last_time_is_there_any_more(kind: str, tmp_path: Path) -> None:
    """It took rooms for open that its broker knew nothing of any more."""
    broker = MemoryBroker() if kind == "memory" else SQLiteBroker(tmp_path / "logs.db")
    server = Server(authenticate=anonymous, broker=broker, shared_jobs=True)

    async def use() -> None:
        async with serving(server) as url, websocket(url) as client:
            await sign_in(client, "anybody")
            assert [len(server.hub.members(room)) for room in ("global", "job:1")] == [1, 0]
            assert (await call(client, "join_room", "job:1"))["ok"] is True
            await server.publish(Announcement(message="heard"), room="global")
            assert (await events(client, "announcement"))[0]["message"] == "heard"

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, use())


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_job_that_runs_when_its_server_stops_is_interrupted(
    kind: str, tmp_path: Path
) -> None:
    """It opened the broker again while that was being closed, and seemed to run ever after."""
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


class ShyBroker(MemoryBroker):
    """Takes its time to subscribe; cannot at all while `is_shy`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shy = False
        self.refused, self.subscribed, self.let_go = (asyncio.Event() for _ in range(3))

    async def subscribe(self, room: str) -> None:
        await asyncio.sleep(0.05)
        if self.is_shy:
            self.refused.set()
            raise BrokerUnavailable("not now")
        await super().subscribe(room)
        self.subscribed.set()

    async def unsubscribe(self, room: str) -> None:
        await super().unsubscribe(room)
        self.let_go.set()


async def test_a_job_that_cannot_be_listened_to_at_first_is_cancelled_later() -> None:
    """Nobody tried again: it ran on whoever asked it to stop."""
    broker = ShyBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        broker.is_shy = True
        async with asyncio.timeout(5), server.job(job_id="1") as job:
            await broker.refused.wait()
            broker.is_shy = False
            await broker.subscribed.wait()
            await server.cancel_job("1")
            await asyncio.Event().wait()
    assert job.cancelled


async def test_a_job_that_starts_its_server_can_be_cancelled() -> None:
    """It listened before there was anything to listen to."""
    server = Server(authenticate=anonymous)
    async with asyncio.timeout(5), server.job(job_id="1") as job:
        await server.cancel_job("1")
        await asyncio.Event().wait()
    await server.close()
    assert job.cancelled


async def test_a_short_job_leaves_no_listener_behind() -> None:
    """It was over before it was listened to, and was listened to ever after."""
    broker = ShyBroker()
    async with Server(authenticate=anonymous, broker=broker) as server:
        async with server.job(job_id="1"):
            pass
        await asyncio.wait_for(broker.let_go.wait(), 5)
