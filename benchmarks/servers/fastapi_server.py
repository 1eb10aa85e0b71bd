"""Streams of server-sent events with FastAPI, as an application without Longwire writes them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()
_go = asyncio.Event()
_readers: dict[int, list[asyncio.Queue[str]]] = {}
_tasks: set[asyncio.Task[None]] = set()


def _event(number: int) -> str:
    piece = {"chunk": f"token{number:05} ", "isComplete": False, "type": "writing"}
    return f"data: {json.dumps(piece)}\n\n"


async def _paced(offset: float, tokens: int, rate: float) -> AsyncIterator[str]:
    await _go.wait()
    start = time.monotonic() + offset
    for number in range(tokens):
        await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
        yield _event(number)


@app.get("/stream/{job}")
async def stream(job: int, offset: float, tokens: int, rate: float) -> StreamingResponse:
    """Stream a job to its only reader."""
    return StreamingResponse(_paced(offset, tokens, rate), media_type="text/event-stream")


@app.get("/shared/{job}")
async def shared(job: int, offset: float, tokens: int, rate: float) -> StreamingResponse:
    """Stream a job to one of several readers, each of which has a queue."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    if job not in _readers:
        task = asyncio.create_task(_produce(job, offset, tokens, rate))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
    _readers.setdefault(job, []).append(queue)
    return StreamingResponse(_drain(queue, tokens), media_type="text/event-stream")


async def _produce(job: int, offset: float, tokens: int, rate: float) -> None:
    async for event in _paced(offset, tokens, rate):
        for queue in _readers[job]:
            queue.put_nowait(event)
    del _readers[job]


async def _drain(queue: asyncio.Queue[str], tokens: int) -> AsyncIterator[str]:
    yield ": joined\n\n"
    for _ in range(tokens):
        yield await queue.get()


@app.get("/go")
async def go() -> None:
    """Let the streams that were opened before begin."""
    global _go
    _go.set()
    _go = asyncio.Event()


def main() -> None:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)
    listener = config.bind_socket()
    listener.listen(2048)
    print(f"Listening on {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
