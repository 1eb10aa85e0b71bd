"""Longwire's Python clients; see `benchmarks.storm`."""

from __future__ import annotations

import asyncio
import json
import sys

from longwire import WebSocketClient
from longwire.catalog import Announcement


async def main() -> None:
    wish = json.loads(sys.argv[1])
    heard: list[list[int]] = []
    clients: list[WebSocketClient] = []
    for url in wish["urls"]:
        numbers: list[int] = []
        client = WebSocketClient(
            url, token="anybody", reconnection_delay=0.5, reconnection_delay_max=1.0
        )
        client.on(Announcement, lambda event, to=numbers: to.append(int(event.message)))
        await client.connect()
        await client.join_room(wish["room"])
        heard.append(numbers)
        clients.append(client)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(heard), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
