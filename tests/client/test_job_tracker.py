"""Following a job whose room was joined before, denied, reset, or lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobOutput, JobResult
from longwire.errors import CallRefused, LocalProtocolError, NotConnected, RoomDenied
from tests.client.peer import Visit

ROOM = "job:1"


async def output(visit: Visit, text: str, place: str) -> None:
    data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": 1}
    await visit.emit("job:output", data, place)


async def complete(visit: Visit, place: str) -> None:
    data = {"jobId": "1", "result": {"content": "x"}, "cost": 1, "duration": 2, "timestamp": 3}
    await visit.emit("job:completed", data, place)


async def test_a_job_whose_room_was_joined_before_is_read_from_its_beginning(
    client: WebSocketClient, visit: Visit
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    client.on(JobOutput, lambda event: heard.put_nowait(event.chunk))
    client.join_room(ROOM)
    await visit.let_in(ROOM, "e", 0)
    await output(visit, "a", "1@job:1")
    await output(visit, "b", "2@job:1")
    assert [await heard.get(), await heard.get()] == ["a", "b"]

    async def follow() -> tuple[str, JobResult]:
        async with client.job("1") as job:
            result = await job.result()
            return job.state.text, result

    following = asyncio.create_task(follow())
    asked = await visit.let_in(ROOM, "e", 2, recovered=True)
    assert asked == [ROOM, {"epoch": "e", "offset": 0}]
    await output(visit, "ab", "1-2@job:1")
    await complete(visit, "3@job:1")
    assert await following == ("ab", JobResult(content="x"))
    assert heard.empty()


async def test_the_present_is_shown_once_the_past_was_read(
    client: WebSocketClient, visit: Visit
) -> None:
    async def follow() -> list[str]:
        async with client.job("1") as job:
            return [state.text async for state in job]

    following = asyncio.create_task(follow())
    await visit.let_in(ROOM, "e", 3)
    for number, text in enumerate("abc", 1):
        await output(visit, text, f"{number}@job:1")
    await complete(visit, "4@job:1")
    texts = await following
    assert texts[0] == texts[-1] == "abc"


async def test_a_log_that_begins_anew_is_a_new_job(client: WebSocketClient, visit: Visit) -> None:
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:

        async def follow() -> None:
            async with client.job("1") as job:
                assert (await anext(aiter(job))).text == "old"
                seen.set()
                assert (await job.result()).content == "x"
                assert job.state.text == ""

        tasks.create_task(follow())
        await visit.let_in(ROOM, "e", 1)
        await output(visit, "old", "1@job:1")
        await seen.wait()
        await visit.emit("room_reset", {"room": ROOM, "epoch": "f", "offset": 1})
        await complete(visit, "1@job:1")


async def test_a_reset_job_is_read_again_from_its_beginning(
    client: WebSocketClient, visit: Visit
) -> None:
    async with asyncio.TaskGroup() as tasks:

        async def follow() -> None:
            async with client.job("1") as job, client.job("1") as other:
                assert (await anext(aiter(job))).text == "old"
                job.reset()
                assert job.state.text == other.state.text == ""
                assert (await other.result()).content == "x"
                assert other.state.text == job.state.text == "old"

        tasks.create_task(follow())
        await visit.let_in(ROOM, "e", 1)
        await output(visit, "old", "1@job:1")
        assert await visit.let_in(ROOM, "e", 1) == [ROOM, {"epoch": "e", "offset": 0}]
        await output(visit, "old", "1@job:1")
        await complete(visit, "2@job:1")
    assert len(client._subscriptions) == 0


async def test_a_job_of_somebody_else(client: WebSocketClient, visit: Visit) -> None:
    async def follow() -> None:
        async with client.job("1"):
            raise AssertionError

    following = asyncio.create_task(follow())
    error = {"code": "forbidden", "message": "no"}
    await visit.answer("join_room", {"ok": False, "room": ROOM, "error": error})
    with pytest.raises(RoomDenied):
        await following
    assert not client._feeds
    assert len(client._subscriptions) == 0


async def test_the_end_of_the_client_is_the_end_of_the_wait(
    client: WebSocketClient, visit: Visit
) -> None:
    async def follow() -> None:
        async with client.job("1") as job:
            await job.result()

    following = asyncio.create_task(follow())
    await visit.let_in(ROOM, "e", 0)
    await client.disconnect()
    with pytest.raises(NotConnected):
        await following


async def test_a_request_to_cancel_that_is_refused(client: WebSocketClient, visit: Visit) -> None:
    async def follow() -> None:
        async with client.job("1") as job:
            await job.cancel()

    following = asyncio.create_task(follow())
    await visit.let_in(ROOM, "e", 0)
    error: dict[str, Any] = {"code": "job_finished", "message": "over"}
    await visit.answer("job:cancel", {"ok": False, "error": error})
    with pytest.raises(CallRefused, match="over") as caught:
        await following
    assert caught.value.code == "job_finished"


async def test_a_job_is_followed_inside_a_block(client: WebSocketClient) -> None:
    job = client.job("1")
    assert job.state.job_id == "1"
    assert not job.is_complete
    with pytest.raises(LocalProtocolError):
        await job.result()
