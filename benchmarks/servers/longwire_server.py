"""Longwire with its own WebSocket lane under uvicorn, as `longwire serve` runs it."""

from __future__ import annotations

import asyncio
import time

import uvicorn

from longwire import Server, Socket, anonymous
from longwire.catalog import Announcement

server = Server(authenticate=anonymous)


@server.on("echo")
async def echo(args: list[object], socket: Socket) -> object:
    return args[0]


@server.on("broadcast")
async def broadcast(args: list[dict[str, int | str]], socket: Socket) -> object:
    [wish] = args
    for _ in range(int(wish["count"])):
        await server.publish(Announcement(message=str(wish["text"]), level="info"), room="global")
        await asyncio.sleep(float(wish["pause"]))
    return time.time()


def main() -> None:
    config = uvicorn.Config(
        server,
        host="127.0.0.1",
        port=0,
        ws="longwire.server.uvicorn:WebSocketProtocol",
        log_level="warning",
    )
    listener = config.bind_socket()
    listener.listen(2048)
    print(f"Listening on {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
