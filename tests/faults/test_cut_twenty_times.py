"""A connection that breaks repeatedly while a job's output streams through it."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import pytest

from longwire import Job, WebSocketClient
from longwire.catalog import JobCompleted, JobOutput
from tests.proxy import Proxy
from tests.serving import ServerProcess

CUTS = 20
CHUNKS = 2000
BLOCK = CHUNKS // CUTS
SOME_TEXT = 'plain, Grüße, 世界, 🌍, \r\n, \t, \x1b[1m, \x1e, \\, ", <b>'

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def proxy(running_server: ServerProcess) -> AsyncIterator[Proxy]:
    async with Proxy(running_server.url) as proxy:
        yield proxy


class Reader:
    """Collects a job's output."""

    def __init__(self) -> None:
        self.text = ""
        self.is_complete = False
        self._changed = asyncio.Condition()

    async def receive_output(self, event: JobOutput) -> None:
        async with self._changed:
            self.text += event.chunk
            self._changed.notify_all()

    async def receive_completed(self, event: JobCompleted) -> None:
        async with self._changed:
            self.is_complete = True
            self._changed.notify_all()

    async def wait_for(self, mark: str) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: mark in self.text)

    async def wait_for_end(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_complete)


def make_chunks() -> list[str]:
    return [f"{number} {SOME_TEXT} {random.Random(number).random()}\n" for number in range(CHUNKS)]


async def test_a_client_cut_twenty_times_receives_exactly_the_output(
    running_server: ServerProcess, proxy: Proxy
) -> None:
    """Each cut falls into the middle of a block: part of it is read, the rest is in flight."""
    job, chunks, reader = str(uuid.uuid4()), make_chunks(), Reader()
    service, user = running_server.token("worker", service=True), running_server.token()

    async def produce(first: int) -> None:
        for chunk in chunks[first : first + BLOCK]:
            await worker.publish(JobOutput(job_id=job, chunk=chunk), id=str(uuid.uuid4()))

    async with (
        WebSocketClient(running_server.url, token=service) as worker,
        WebSocketClient(proxy.url, token=user, reconnection_delay_max=0.05) as client,
    ):
        client.on(JobOutput, reader.receive_output)
        client.on(JobCompleted, reader.receive_completed)
        await client.join_room(f"job:{job}")
        for cut in range(CUTS):
            producing = asyncio.create_task(produce(cut * BLOCK))
            await reader.wait_for(chunks[cut * BLOCK + cut])
            proxy.cut()
            await producing
        await worker.publish(JobCompleted(job_id=job, result={}, cost=0, duration=1))
        await reader.wait_for_end()

    assert reader.text == "".join(chunks)
    assert proxy.accepted == CUTS + 1


async def test_a_worker_cut_twenty_times_publishes_everything_once(
    running_server: ServerProcess, proxy: Proxy
) -> None:
    """Events in flight at the cut are published again under the same id."""
    chunks, reader = make_chunks(), Reader()
    service, user = running_server.token("worker", service=True), running_server.token()

    async with (
        WebSocketClient(running_server.url, token=user) as client,
        WebSocketClient(proxy.url, token=service, reconnection_delay_max=0.05) as worker,
        Job(worker) as job,
    ):
        client.on(JobOutput, reader.receive_output)
        client.on(JobCompleted, reader.receive_completed)
        await client.join_room(job.room)
        for cut in range(CUTS):
            for chunk in chunks[cut * BLOCK : (cut + 1) * BLOCK]:
                await job.output(chunk)
            await reader.wait_for(chunks[cut * BLOCK])
            for _ in range(cut):
                await asyncio.sleep(0)
            proxy.cut()
        await job.complete({})
        await reader.wait_for_end()

    assert reader.text == "".join(chunks)
    assert proxy.accepted >= CUTS
