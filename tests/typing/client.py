"""The types of the client. Checked by mypy and pyright, never run."""

from collections.abc import Callable
from typing import Any, assert_type

from longwire import WebSocketClient
from longwire.catalog import JobCancel, JobOutput, JobProgress, JobResult
from longwire.client import (
    ClientOptions,
    ConnectionState,
    EventStream,
    HealthSnapshot,
    JobTracker,
    JoinResult,
    Listener,
    Room,
    RoomReset,
    RoomStatus,
    get_websocket_client,
)
from longwire.jobs import Job, JobHost, JobState
from longwire.types import Position

client = WebSocketClient("http://localhost:8000", token="t")


async def provide() -> str:
    return "t"


WebSocketClient("http://localhost:8000", token=provide)
WebSocketClient("http://localhost:8000", token=lambda: "t")

# Handlers are inferred from the event type.
unsubscribe: Callable[[], None] = client.on(JobProgress, lambda event: event.progress)
client.on(RoomReset, lambda reset: reset.position.offset)
client.on("custom", lambda *args: args)


async def handle(event: JobOutput) -> None:
    assert_type(event.chunk, str)


client.on(JobOutput, handle)
client.once(JobOutput, handle)
client.on(JobProgress, handle)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Iterators too.
assert_type(client.events(), EventStream[tuple[Any, ...]])
assert_type(client.events(JobProgress), EventStream[JobProgress])
assert_type(client.events(JobProgress, JobOutput), EventStream[JobProgress | JobOutput])
assert_type(
    client.events(JobProgress, JobOutput, RoomReset, room="job:1"),
    EventStream[JobProgress | JobOutput | RoomReset],
)


async def use() -> None:
    async for event in client.events(JobProgress, room="job:1"):
        assert_type(event, JobProgress)
    assert_type(await client.join_room("job:1", "now"), JoinResult)
    assert_type(await client.publish(JobOutput(job_id="1", chunk="a")), Position)
    assert_type(await client.call(JobCancel(job_id="1")), Any)
    async with client.job("1") as job:
        assert_type(job, JobTracker)
        async for state in job:
            assert_type(state, JobState)
        assert_type(await job.result(), JobResult)
    async with client.start_job(title="Report") as running:
        assert_type(running, Job)
    async with client.room("job:1") as room:
        assert_type(room, Room)
        assert_type(room.status, RoomStatus | None)
        assert_type(room.events(JobProgress), EventStream[JobProgress])
        assert_type(room.events(JobProgress, RoomReset), EventStream[JobProgress | RoomReset])
        assert_type(room.events(), EventStream[tuple[Any, ...]])
        room.on((JobOutput, JobProgress), lambda event: event.timestamp)
        assert_type(room.on(JobProgress, lambda event: event.progress, throttle=0.5), Listener)
    assert_type(await client.emit(JobCancel(job_id="1")), None)
    assert_type(client.position("job:1"), Position | None)
    assert_type(client.error, Exception | None)
    assert_type(client.user_id, str | None)
    assert_type(await client.ping(), float)
    assert_type(client.health, HealthSnapshot)
    assert_type(client.state, ConnectionState)


host: JobHost = client
assert_type(get_websocket_client(), WebSocketClient)
WebSocketClient("http://localhost:8000", transports=("polling",))
WebSocketClient("http://localhost:8000", transports=("carrier pigeon",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
WebSocketClient("http://localhost:8000", timeout=5, outbox_file="outbox.db")
WebSocketClient("http://localhost:8000", timeout="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
WebSocketClient("http://localhost:8000", retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
options = ClientOptions(url="http://localhost:8000", timeout=5)
assert_type(WebSocketClient.from_options(options, token="t"), WebSocketClient)
