"""Longwire's client as an application uses it: follows a job with handlers and an iterator.

longwire_watcher.py PORT COUNT…      prints `ready`, and each of the counts when reached
"""

from __future__ import annotations

import asyncio
import sys

from longwire import WebSocketClient
from longwire.catalog import JobOutput, JobProgress


async def main(port: str, *counts: str) -> None:
    wanted = {int(count) for count in counts}
    handled = received = folded = 0

    def check() -> None:
        if handled == received == folded and folded in wanted:
            wanted.remove(folded)
            print(folded, flush=True)

    def handle(event: JobProgress | JobOutput) -> None:
        nonlocal handled
        handled += 1
        check()

    async def read(client: WebSocketClient) -> None:
        nonlocal received
        async for _ in client.events(JobProgress, JobOutput, room="job:1"):
            received += 1
            check()

    async with WebSocketClient(f"http://127.0.0.1:{port}", token="any token") as client:
        client.on((JobProgress, JobOutput), handle, room="job:1")
        client.on(JobProgress, lambda event: None, room="job:1", throttle=0.1)
        reading = asyncio.create_task(read(client))
        async with client.job("1") as job:
            print("ready", flush=True)
            async for state in job:
                if state.output:  # its last line is numbered; progress follows it
                    folded = int(state.output[-1].text.split()[-1]) + 1
                check()
        await reading


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
