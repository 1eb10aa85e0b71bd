"""Logs in memory are lost when the server is killed, and clients are told so."""

from __future__ import annotations

import asyncio
import uuid

from longwire import WebSocketClient
from longwire.catalog import JobOutput
from longwire.client import RoomReset
from tests.serving import ServerProcess


async def test_clients_receive_a_reset_when_a_memory_log_is_lost() -> None:
    job = str(uuid.uuid4())
    seen: asyncio.Queue[JobOutput | RoomReset] = asyncio.Queue()
    with ServerProcess("--broker=memory:") as server:
        async with WebSocketClient(
            server.url, token=server.token(), reconnection_delay_max=0.1
        ) as client:
            client.on((JobOutput, RoomReset), seen.put_nowait, room=f"job:{job}")
            await server.publish("job:output", {"jobId": job, "chunk": "lost"})
            await client.join_room(f"job:{job}")
            before = await seen.get()

            server.kill()
            await asyncio.to_thread(server.start)
            epoch = (await server.publish("job:output", {"jobId": job, "chunk": "new"}))["epoch"]
            reset, after = await seen.get(), await seen.get()

    assert isinstance(before, JobOutput)
    assert before.chunk == "lost"
    assert isinstance(reset, RoomReset)
    assert reset.position.epoch == epoch
    assert isinstance(after, JobOutput)
    assert after.chunk == "new"
    assert seen.empty()
