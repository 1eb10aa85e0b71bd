"""python-socketio's AsyncClient on uvloop, whose handlers receive a dictionary.

python_socketio_client.py PORT COUNT…      prints `ready`, and each of the counts when reached
"""

from __future__ import annotations

import sys

import socketio
import uvloop


async def main(port: str, *counts: str) -> None:
    wanted = {int(count) for count in counts}
    received = 0
    client = socketio.AsyncClient()

    @client.on("job:progress")
    async def count(payload: dict[str, object]) -> None:
        nonlocal received
        received += 1
        if received in wanted:
            print(received, flush=True)

    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"], auth={"token": "x"})
    print("ready", flush=True)
    await client.wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
