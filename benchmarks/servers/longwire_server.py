"""Longwire with its own WebSocket lane under uvicorn, as `longwire serve` runs it.

longwire_server.py [BROKER-URL]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import Any

import uvicorn

from longwire import Server, Socket, anonymous
from longwire.broker import open_broker
from longwire.catalog import Announcement, JobCompleted, JobCreated, JobOutput, JobResult
from longwire.engineio.server import Options
from longwire.server import Limits
from longwire.server.access.rules import is_signed_in

server = Server(
    broker=open_broker(sys.argv[1] if len(sys.argv) > 1 else "memory:"),
    authenticate=anonymous,
    shared_jobs=True,
    options=Options(ping_interval=300),  # no heartbeat falls into a measurement
    limits=Limits(stall_timeout=300),  # and nobody who stalls is let go
)
server.rule("campaign:{campaign_id}")(is_signed_in)


async def announce(room: str, text: str) -> None:
    await server.publish(Announcement(message=text, level="info"), room=room)


@server.on("echo")
async def echo(args: list[object], socket: Socket) -> object:
    return args[0]


@server.on("tell")
async def tell(args: list[dict[str, Any]], socket: Socket) -> None:
    await announce(args[0]["room"], args[0]["text"])


@server.on("tell_rooms")
async def tell_rooms(args: list[dict[str, Any]], socket: Socket) -> None:
    [wish] = args
    for number in range(wish["first"], wish["first"] + wish["count"]):
        await announce(f"campaign:{number}", wish["text"])


@server.on("tick")
async def tick(args: list[dict[str, Any]], socket: Socket) -> None:
    [wish] = args
    start = time.monotonic()
    for number in range(wish["count"]):
        await asyncio.sleep(max(0.0, start + number / wish["rate"] - time.monotonic()))
        await announce(wish["room"], f"{time.monotonic_ns():020}{wish['text']}")


@server.on("pace")
async def pace(args: list[dict[str, Any]], socket: Socket) -> None:
    """As `tick`, but each event bears the time at which it was due."""
    [wish] = args
    start = time.monotonic_ns()
    for number in range(wish["count"]):
        due = start + round(number / wish["rate"] * 1e9)
        await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        await announce(wish["room"], f"{due:020}{wish['text']}")


@server.on("collect")
async def collect(args: list[object], socket: Socket) -> object:
    return gc.collect()


@server.on("stream")
async def stream(args: list[dict[str, Any]], socket: Socket) -> object:
    """A job that is over: what it said, token by token, is in its log."""
    [wish] = args
    job_id = "late"
    await server.publish(JobCreated(job_id=job_id, title="A long answer"))
    for number in range(wish["tokens"]):
        await server.publish(JobOutput(job_id=job_id, chunk=f"token{number:05} ", type="writing"))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await server.publish(JobCompleted(job_id=job_id, result=JobResult(), cost=0, duration=1))
    return wish["tokens"]


@server.on("publish_many")
async def publish_many(args: list[dict[str, Any]], socket: Socket) -> object:
    """Publish one after the other, or so many side by side."""
    [wish] = args
    for _ in range(0, wish["count"], wish["at_once"]):
        await asyncio.gather(
            *(announce("campaign:0", wish["text"]) for _ in range(wish["at_once"]))
        )
    return wish["count"]


def main() -> None:
    config = uvicorn.Config(
        server,
        host="127.0.0.1",
        port=0,
        http="longwire.server.uvicorn:HTTPProtocol",
        ws="longwire.server.uvicorn:WebSocketProtocol",
        log_level="warning",
    )
    listener = config.bind_socket()
    listener.listen(2048)
    print(f"Listening on {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
