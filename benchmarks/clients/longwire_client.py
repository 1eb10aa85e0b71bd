"""Longwire's client on uvloop, which decodes and validates each event.

longwire_client.py PORT COUNT…      prints `ready`, and each of the counts when reached
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from longwire import WebSocketClient
from longwire.catalog import JobProgress


async def main(port: str, *counts: str) -> None:
    wanted = {int(count) for count in counts}
    received = 0

    def count(event: JobProgress) -> None:
        nonlocal received
        received += 1
        if received in wanted:
            print(received, flush=True)

    async with WebSocketClient(f"http://127.0.0.1:{port}", token="any token") as client:
        client.on(JobProgress, count, room="job:1")
        await client.join_room("job:1")
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
