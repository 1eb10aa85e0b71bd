"""Tools hear a log entry by entry, as it came."""

from __future__ import annotations

import asyncio

import msgspec

from longwire.client import LogEntry, WebSocketClient
from tests.serving import ServerProcess


async def test_every_entry_comes_once_with_its_place(running_server: ServerProcess) -> None:
    job = {"jobId": "entries"}
    for chunk in ("one ", "two "):
        await running_server.publish("job:output", {**job, "chunk": chunk, "isComplete": False})
    heard: asyncio.Queue[LogEntry] = asyncio.Queue()

    def hear(entry: LogEntry) -> None:
        if entry.room == "job:entries":  # the rooms that sign-in grants have a log too
            heard.put_nowait(entry)

    token = running_server.token("tool", service=True)
    async with WebSocketClient(running_server.url, token=token) as client:
        undo = client.on_entry(hear)
        await client.join_room("job:entries")
        replayed = await heard.get()
        assert replayed.event == "job:output"
        assert (replayed.first, replayed.last) == (1, 2)
        assert msgspec.json.decode(replayed.data)["chunk"] == "one two "
        await running_server.publish("job:status", {**job, "status": "running"})
        live = await heard.get()
        assert (live.first, live.last, live.event) == (3, 3, "job:status")
        undo()
        await running_server.publish("job:status", {**job, "status": "cancelled"})
        await client.ping()  # answered after what was published before it
    assert heard.empty()
