"""Longwire's Python clients; see `benchmarks.storm`."""

from __future__ import annotations

import asyncio
import json
import sys

from longwire import WebSocketClient
from longwire.catalog import Announcement


async def main() -> None:
    request = json.loads(sys.argv[1])
    received: list[list[int]] = []
    clients: list[WebSocketClient] = []
    for url in request["urls"]:
        numbers: list[int] = []
        client = WebSocketClient(
            url, token="any token", reconnection_delay=0.5, reconnection_delay_max=1.0
        )
        client.on(Announcement, lambda event, to=numbers: to.append(int(event.message)))
        await client.connect()
        await client.join_room(request["room"])
        received.append(numbers)
        clients.append(client)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(received), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
