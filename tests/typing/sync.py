"""The types of the synchronous client. Checked by mypy and pyright, never run."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, assert_type

from longwire.catalog import JobCancel, JobOutput, JobProgress, JobResult
from longwire.client import ConnectionState, HealthSnapshot, JoinResult, RoomReset
from longwire.jobs import JobState
from longwire.sync import EventStream, Job, JobTracker, Listener, Room, WebSocketClient
from longwire.types import Position

client = WebSocketClient("http://localhost:8000", token=lambda: "t")

assert_type(client.on(JobProgress, lambda event: event.progress), Listener)
assert_type(client.on((JobProgress, JobOutput), lambda event: event.job_id), Listener)
assert_type(client.on("custom", lambda *args: args, throttle=0.5), Listener)
assert_type(client.once(JobOutput, lambda event: event.chunk), Callable[[], None])


def handle(event: JobOutput) -> None:
    assert_type(event.chunk, str)


client.on(JobOutput, handle)
client.on(JobProgress, handle)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

assert_type(client.events(JobProgress), EventStream[JobProgress])
assert_type(client.events(JobProgress, JobOutput), EventStream[JobProgress | JobOutput])


def use() -> None:
    assert_type(client.connect(), None)
    for event in client.events(JobProgress, RoomReset, room="job:1"):
        assert_type(event, JobProgress | RoomReset)
    assert_type(client.join_room("job:1", "now"), Future[JoinResult])
    assert_type(client.publish(JobOutput(job_id="1", chunk="a")).result(), Position)
    assert_type(client.emit("note", 1), Future[None])
    assert_type(client.call(JobCancel(job_id="1")), Any)
    with client.job("1") as tracker:
        assert_type(tracker, JobTracker)
        for state in tracker:
            assert_type(state, JobState)
        assert_type(tracker.result(), JobResult)
    with client.start_job(title="Report") as job:
        assert_type(job, Job)
    with client.room("job:1") as room:
        assert_type(room, Room)
        assert_type(room.events(JobProgress), EventStream[JobProgress])
    assert_type(client.health, HealthSnapshot)
    assert_type(client.state, ConnectionState)
    assert_type(client.ping(), float)
