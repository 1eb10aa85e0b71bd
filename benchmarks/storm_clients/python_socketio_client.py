"""python-socketio's clients; see `benchmarks.storm`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio


async def connect(url: str, room: str, numbers: list[int]) -> socketio.AsyncClient:
    client = socketio.AsyncClient(reconnection_delay=0.5, reconnection_delay_max=1.0)

    @client.on("connect")
    async def join() -> None:
        await client.emit("join_room", room)

    @client.on("announcement")
    async def receive(payload: dict[str, Any]) -> None:
        numbers.append(int(payload["message"]))

    await client.connect(url, transports=["websocket"])
    await client.call("join_room", room)
    return client


async def main() -> None:
    request = json.loads(sys.argv[1])
    received: list[list[int]] = [[] for _ in request["urls"]]
    clients = [
        await connect(url, request["room"], numbers)
        for url, numbers in zip(request["urls"], received, strict=True)
    ]
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(received), flush=True)
    await asyncio.gather(*(client.disconnect() for client in clients))


if __name__ == "__main__":
    asyncio.run(main())
