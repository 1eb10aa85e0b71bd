"""python-socketio's AsyncServer under uvicorn, with uvloop and without compression."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", ping_interval=300)
late: list[tuple[str, dict[str, object]]] = []


async def announce(room: str, text: str) -> None:
    payload = {"timestamp": int(time.time() * 1000), "message": text, "level": "info"}
    await sio.emit("announcement", payload, room=room)


@sio.event
async def connect(sid: str, environ: object, auth: object) -> None:
    await sio.enter_room(sid, "global")
    await sio.emit("authenticated", {"userId": "anonymous", "rooms": ["global"]}, to=sid)


@sio.event
async def join_room(sid: str, room: str) -> object:
    await sio.enter_room(sid, room)
    if room == "job:late":
        sio.start_background_task(replay, sid)
    return {"ok": True, "room": room}


async def replay(sid: str) -> None:
    for name, payload in late:
        await sio.emit(name, payload, to=sid)


@sio.event
async def echo(sid: str, payload: object) -> object:
    return payload


@sio.event
async def publish_one(sid: str, request: dict[str, Any]) -> None:
    await announce(request["room"], request["text"])


@sio.event
async def publish_rooms(sid: str, request: dict[str, Any]) -> None:
    for number in range(request["first"], request["first"] + request["count"]):
        await announce(f"campaign:{number}", request["text"])


@sio.event
async def tick(sid: str, request: dict[str, Any]) -> None:
    start = time.monotonic()
    for number in range(request["count"]):
        await asyncio.sleep(max(0.0, start + number / request["rate"] - time.monotonic()))
        await announce(request["room"], f"{time.monotonic_ns():020}{request['text']}")


@sio.event
async def collect(sid: str, nothing: object) -> object:
    return gc.collect()


@sio.event
async def stream(sid: str, request: dict[str, Any]) -> object:
    timestamp = int(time.time() * 1000)
    late.append(
        ("job:created", {"timestamp": timestamp, "jobId": "late", "title": "A long answer"})
    )
    for number in range(request["tokens"]):
        piece = {"chunk": f"token{number:05} ", "isComplete": False, "type": "writing"}
        late.append(("job:output", {"timestamp": timestamp, "jobId": "late", **piece}))
    late.append(("job:completed", {"timestamp": timestamp, "jobId": "late"}))
    return request["tokens"]


go = asyncio.Event()
jobs: set[asyncio.Task[None]] = set()


@sio.event
async def start_jobs(sid: str, request: dict[str, Any]) -> object:
    global go
    go = asyncio.Event()
    for number in range(request["jobs"]):
        task = asyncio.create_task(stream_job(number, request, go))
        jobs.add(task)
        task.add_done_callback(jobs.discard)
    return request["jobs"]


async def stream_job(number: int, request: dict[str, Any], go: asyncio.Event) -> None:
    job_id, rate = f"{request['run']}-{number}", request["rate"]
    await go.wait()
    start = time.monotonic() + number / request["jobs"] / rate
    for token in range(request["tokens"]):
        await asyncio.sleep(max(0.0, start + token / rate - time.monotonic()))
        piece = {"chunk": f"token{token:05} ", "isComplete": False, "type": "writing"}
        payload = {"timestamp": int(time.time() * 1000), "jobId": job_id, **piece}
        await sio.emit("job:output", payload, room=f"job:{job_id}")


@sio.on("go")
async def start_streaming(sid: str, nothing: object) -> None:
    go.set()


def main() -> None:
    config = uvicorn.Config(
        socketio.ASGIApp(sio),
        host="127.0.0.1",
        port=0,
        ws_per_message_deflate=False,
        log_level="warning",
    )
    listener = config.bind_socket()
    listener.listen(2048)
    print(f"Listening on {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
