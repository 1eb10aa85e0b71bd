"""Longwire with its own WebSocket lane under uvicorn, as `longwire serve` runs it.

longwire_server.py [BROKER-URL]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any

import uvicorn

from longwire import Server, Socket, anonymous
from longwire.background import BackgroundTasks
from longwire.broker import open_broker
from longwire.catalog import Announcement, JobCompleted, JobCreated, JobOutput, JobResult
from longwire.engineio.server import Options
from longwire.server import Limits
from longwire.server.access.rules import is_signed_in

server = Server(
    broker=open_broker(sys.argv[1] if len(sys.argv) > 1 else "memory:"),
    authenticate=anonymous,
    shared_jobs=True,
    options=Options(ping_interval=300),  # no heartbeats during a measurement
    limits=Limits(stall_timeout=300),  # and no stalled connection is closed
)
server.rule("campaign:{campaign_id}")(is_signed_in)


async def announce(room: str, text: str) -> None:
    await server.publish(Announcement(message=text, level="info"), room=room)


@server.on("echo")
async def echo(args: list[object], socket: Socket) -> object:
    return args[0]


@server.on("publish_one")
async def publish_one(args: list[dict[str, Any]], socket: Socket) -> None:
    await announce(args[0]["room"], args[0]["text"])


@server.on("publish_rooms")
async def publish_rooms(args: list[dict[str, Any]], socket: Socket) -> None:
    [request] = args
    for number in range(request["first"], request["first"] + request["count"]):
        await announce(f"campaign:{number}", request["text"])


@server.on("tick")
async def tick(args: list[dict[str, Any]], socket: Socket) -> None:
    [request] = args
    start = time.monotonic()
    for number in range(request["count"]):
        await asyncio.sleep(max(0.0, start + number / request["rate"] - time.monotonic()))
        await announce(request["room"], f"{time.monotonic_ns():020}{request['text']}")


@server.on("pace")
async def pace(args: list[dict[str, Any]], socket: Socket) -> None:
    """Like `tick`, but each event contains the time at which it was due."""
    [request] = args
    start = time.monotonic_ns()
    for number in range(request["count"]):
        due = start + round(number / request["rate"] * 1e9)
        await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        await announce(request["room"], f"{due:020}{request['text']}")


@server.on("collect")
async def collect(args: list[object], socket: Socket) -> object:
    return gc.collect()


@server.on("stream")
async def stream(args: list[dict[str, Any]], socket: Socket) -> object:
    """Publish a finished job, token by token."""
    [request] = args
    job_id = "late"
    await server.publish(JobCreated(job_id=job_id, title="A long answer"))
    for number in range(request["tokens"]):
        await server.publish(JobOutput(job_id=job_id, chunk=f"token{number:05} ", type="writing"))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await server.publish(JobCompleted(job_id=job_id, result=JobResult(), cost=0, duration=1))
    return request["tokens"]


_go = asyncio.Event()
_jobs = BackgroundTasks()


@server.on("start_jobs")
async def start_jobs(args: list[dict[str, Any]], socket: Socket) -> object:
    """Start jobs that stream tokens once `go` was sent; `silent` ones only keep the pace."""
    global _go
    [request] = args
    _go = asyncio.Event()
    entered = asyncio.Barrier(request["jobs"] + 1)
    streams = [stream_job(number, request, entered, _go) for number in range(request["jobs"])]
    _jobs.start(announce_end(streams))
    await entered.wait()
    return request["jobs"]


async def stream_job(
    number: int, request: dict[str, Any], entered: asyncio.Barrier, go: asyncio.Event
) -> None:
    job = server.job(job_id=f"{request['run']}-{number}")
    async with nullcontext() if request["silent"] else job:
        await entered.wait()
        await go.wait()
        rate = request["rate"]
        start = time.monotonic() + number / request["jobs"] / rate
        for token in range(request["tokens"]):
            await asyncio.sleep(max(0.0, start + token / rate - time.monotonic()))
            if not request["silent"]:
                await job.output(f"token{token:05} ", type="writing")


async def announce_end(streams: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*streams)
    await announce("global", "ended")


@server.on("go")
async def start_streaming(args: list[object], socket: Socket) -> None:
    _go.set()


@server.on("publish_many")
async def publish_many(args: list[dict[str, Any]], socket: Socket) -> object:
    """Publish `at_once` events at a time."""
    [request] = args
    for _ in range(0, request["count"], request["at_once"]):
        await asyncio.gather(
            *(announce("campaign:0", request["text"]) for _ in range(request["at_once"]))
        )
    return request["count"]


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
