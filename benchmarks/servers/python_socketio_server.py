"""python-socketio's AsyncServer under uvicorn."""

from __future__ import annotations

import asyncio
import time

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid: str, environ: object, auth: object) -> None:
    await sio.enter_room(sid, "global")
    await sio.emit("authenticated", {}, to=sid)


@sio.event
async def echo(sid: str, payload: object) -> object:
    return payload


@sio.event
async def broadcast(sid: str, wish: dict[str, int | str]) -> object:
    for _ in range(int(wish["count"])):
        payload = {"timestamp": int(time.time() * 1000), "message": wish["text"], "level": "info"}
        await sio.emit("announcement", payload, room="global")
        await asyncio.sleep(float(wish["pause"]))
    return time.time()


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
