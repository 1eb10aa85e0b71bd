"""Tracking a job whose room was joined before, is denied, reset, or lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobOutput, JobResult
from longwire.client import RoomStatus
from longwire.client.handlers import handler
from longwire.errors import CallRefused, NotConnected, RoomDenied
from tests.client.peer import Peer, PeerSocket, all_received

ROOM = "job:1"


async def output(socket: PeerSocket, text: str, place: str) -> None:
    data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": 1}
    await socket.emit("job:output", data, place)


async def complete(socket: PeerSocket, place: str) -> None:
    data = {"jobId": "1", "result": {"content": "x"}, "cost": 1, "duration": 2, "timestamp": 3}
    await socket.emit("job:completed", data, place)


async def test_a_job_whose_room_was_joined_before_is_read_from_its_beginning(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received: asyncio.Queue[str] = asyncio.Queue()
    client.on(JobOutput, lambda event: received.put_nowait(event.chunk))
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    await output(socket, "a", "1@job:1")
    await output(socket, "b", "2@job:1")
    assert [await received.get(), await received.get()] == ["a", "b"]

    async def follow() -> tuple[str, JobResult]:
        async with client.job("1") as job:
            result = await job.result()
            return job.state.text, result

    following = asyncio.create_task(follow())
    asked = await socket.accept_join(ROOM, "e", 2, recovered=True)
    assert asked == [ROOM, {"epoch": "e", "offset": 0}]
    await output(socket, "ab", "1-2@job:1")
    await complete(socket, "3@job:1")
    assert await following == ("ab", JobResult(content="x"))
    assert received.empty()


async def test_tracking_a_job_hung_if_the_log_of_its_joined_room_had_expired(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    await output(socket, "a", "1@job:1")
    await all_received(client, socket)
    following = asyncio.create_task(anext(aiter(client.job("1"))))
    await socket.accept_join(ROOM, "e", 1, recovered=False)  # and nothing is replayed
    assert (await following).status == "queued"
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_the_first_state_is_the_present_one(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def follow() -> list[str]:
        async with client.job("1") as job:
            return [state.text async for state in job]

    following = asyncio.create_task(follow())
    await socket.accept_join(ROOM, "e", 3)
    for number, text in enumerate("abc", 1):
        await output(socket, text, f"{number}@job:1")
    await complete(socket, "4@job:1")
    texts = await following
    assert texts[0] == texts[-1] == "abc"


async def test_the_first_state_is_the_present_one_on_a_slow_machine(
    client: WebSocketClient, socket: PeerSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a tracker returned past states when the replay took several turns of the loop."""
    monkeypatch.setattr(handler, "SLICE", 0.0)  # others get a turn after every event
    following = asyncio.create_task(anext(aiter(client.job("1"))))
    await socket.accept_join(ROOM, "e", 3)
    for number, text in enumerate("abc", 1):
        await output(socket, text, f"{number}@job:1")
    assert (await following).text == "abc"


async def test_a_replaced_log_starts_a_new_state(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:

        async def follow() -> None:
            async with client.job("1") as job:
                assert (await anext(aiter(job))).text == "old"
                seen.set()
                assert (await job.result()).content == "x"
                assert job.state.text == ""

        tasks.create_task(follow())
        await socket.accept_join(ROOM, "e", 1)
        await output(socket, "old", "1@job:1")
        await seen.wait()
        await socket.emit("room_reset", {"room": ROOM, "epoch": "f", "offset": 1})
        await complete(socket, "1@job:1")


async def test_a_reset_job_is_read_again_from_its_beginning(
    client: WebSocketClient, socket: PeerSocket
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
        await socket.accept_join(ROOM, "e", 1)
        await output(socket, "old", "1@job:1")
        assert await socket.accept_join(ROOM, "e", 1) == [ROOM, {"epoch": "e", "offset": 0}]
        await output(socket, "old", "1@job:1")
        await complete(socket, "2@job:1")
    assert client.health.subscriptions == 0


async def test_tracking_a_job_of_another_user_raises(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def follow() -> None:
        async with client.job("1"):
            raise AssertionError

    following = asyncio.create_task(follow())
    error = {"code": "forbidden", "message": "no"}
    await socket.answer("join_room", {"ok": False, "room": ROOM, "error": error})
    with pytest.raises(RoomDenied):
        await following
    assert client.health.tracked_jobs == 0
    assert client.health.subscriptions == 0


async def test_disconnecting_ends_the_wait_for_a_result(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def follow() -> None:
        async with client.job("1") as job:
            await job.result()

    following = asyncio.create_task(follow())
    await socket.accept_join(ROOM, "e", 0)
    await client.disconnect()
    with pytest.raises(NotConnected):
        await following


async def test_a_rejected_request_to_cancel_raises(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def follow() -> None:
        async with client.job("1") as job:
            await job.cancel()

    following = asyncio.create_task(follow())
    await socket.accept_join(ROOM, "e", 0)
    error: dict[str, Any] = {"code": "job_finished", "message": "over"}
    await socket.answer("job:cancel", {"ok": False, "error": error})
    with pytest.raises(CallRefused, match="over") as caught:
        await following
    assert caught.value.code == "job_finished"


async def test_result_works_without_a_block(client: WebSocketClient, socket: PeerSocket) -> None:
    job = client.job("1")
    assert not job.is_complete
    waiting = asyncio.create_task(job.result())
    await socket.accept_join(ROOM, "e", 0)
    await complete(socket, "1@job:1")
    assert await waiting == JobResult(content="x")
    await socket.receive("leave_room")
    assert job.is_complete, "what was known then"


async def test_an_iteration_without_a_block_leaves_the_room_at_its_end(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def watch() -> list[str]:
        return [str(state.status) async for state in client.job("1")]

    watching = asyncio.create_task(watch())
    await socket.accept_join(ROOM, "e", 1)
    await complete(socket, "1@job:1")
    assert await watching == ["completed"]
    await socket.receive("leave_room")


async def test_breaking_out_of_an_iteration_leaves_the_room(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    async def look_once() -> None:
        async for _ in client.job("1"):
            break

    looking = asyncio.create_task(look_once())
    await socket.accept_join(ROOM, "e", 0)
    await output(socket, "a", "1@job:1")
    await looking
    await socket.receive("leave_room")


async def test_cancelling_a_job_does_not_join_its_room(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: it required a block, and the block a join, which cancelling does not need."""
    cancelling = asyncio.create_task(client.job("1").cancel("enough"))
    [request] = await socket.answer("job:cancel", {"ok": True})
    assert request["reason"] == "enough"
    await cancelling
    client.job("1").reset()
    assert not socket.has_unread_events()


async def test_a_late_denial_ends_the_wait_for_a_result(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: a call without a connection waited forever."""
    waiting = asyncio.create_task(client.job("1").result())
    await asyncio.sleep(0)
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept()
    await socket.answer("join_room", {"ok": False, "error": {"code": "forbidden"}})
    await connecting
    with pytest.raises(RoomDenied):
        await waiting
    assert client.room_status(ROOM) is None


async def test_a_job_can_be_tracked_again_after_disconnecting(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: the first tracker's error ended all later trackers of the job."""
    async with client.job("1") as old:
        await client.disconnect()
        with pytest.raises(NotConnected):
            await old.result()
        connecting = asyncio.create_task(client.connect())
        socket = await (await peer.next_socket()).accept()
        await socket.accept_join(ROOM, "e", 0)
        await connecting
        waiting = asyncio.create_task(client.job("1").result())
        await complete(socket, "1@job:1")
        assert await waiting == JobResult(content="x")
    await socket.receive("leave_room")


async def follow(client: WebSocketClient) -> None:
    """Enter the job's block, which must not be reached."""
    async with client.job("1"):
        raise AssertionError


async def enter(client: WebSocketClient) -> None:
    """Enter the room's block, which must not be reached."""
    async with client.room(ROOM):
        raise AssertionError


async def test_cancelling_the_entry_of_a_block_leaves_the_room(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: the room stayed joined for the lifetime of the client."""
    for work in (follow(client), enter(client)):
        task = asyncio.create_task(work)
        await socket.receive("join_room")
        task.cancel()
        await asyncio.wait([task])
        await socket.receive("leave_room")
        assert client.room_status(ROOM) is None


async def test_cancelling_the_entry_in_the_turn_of_the_answer_leaves_the_room(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: the join succeeded unnoticed, and the room stayed joined."""
    for work in (follow(client), enter(client)):
        first = client.join_room(ROOM)
        task = asyncio.create_task(work)
        first.add_done_callback(lambda _, task=task: task.cancel())
        await socket.accept_join(ROOM, "e", 0)
        await asyncio.wait([task])
        assert task.cancelled()
        client.leave_room(ROOM)
        await socket.receive("leave_room")
        assert client.room_status(ROOM) is None
