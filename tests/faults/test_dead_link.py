"""A link that swallows everything without an error; the heartbeat would notice it after 45 s."""

import asyncio
from typing import Literal

import pytest

from longwire import WebSocketClient
from longwire.client import ConnectionState
from tests.faults.workers import OWNER, Reader
from tests.proxy import Proxy
from tests.serving import ServerProcess

LEASE = 3.0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_worker_leaves_a_dead_link_long_before_the_heartbeat(
    running_server: ServerProcess, transport: Literal["websocket", "polling"]
) -> None:
    token = running_server.token("worker", service=True)
    left, returned = asyncio.Event(), asyncio.Event()

    def watch(state: ConnectionState) -> None:
        if state is ConnectionState.RECONNECTING:
            left.set()
        elif state is ConnectionState.CONNECTED and left.is_set():
            returned.set()

    id = f"dead-link-{transport}"
    async with (
        Proxy(running_server.url) as proxy,
        WebSocketClient(proxy.url, token=token, transports=(transport,)) as client,
        client.start_job(job_id=id, owner=OWNER, lease=LEASE) as job,
    ):
        await job.output("[0]")
        await job.flush()
        client.on_state_change(watch)
        proxy.strand()
        async with asyncio.timeout(2 * LEASE):
            await left.wait()
            await returned.wait()
        await job.output("[1]")
        await job.complete({"content": "2"})
    async with Reader(running_server.url, [id]) as reader:
        assert await reader.is_whole(id)
