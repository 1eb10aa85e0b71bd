"""Rooms over several connections: joined early or late, resumed by position, denied, reset."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobProgress
from longwire.client import ConnectionState, RoomReset, RoomStatus
from longwire.errors import InvalidRoom, NotConnected, RoomDenied
from longwire.types import Position
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, PeerSocket, all_received, connected

ROOM = "job:1"


class Progress:
    """Records the progress that a handler receives, in order."""

    def __init__(self, client: WebSocketClient, *, room: str | None = None) -> None:
        self.received: list[Any] = []
        self._changed = asyncio.Condition()
        client.on((JobProgress, RoomReset), self.receive, room=room)

    async def receive(self, event: JobProgress | RoomReset) -> None:
        async with self._changed:
            self.received.append("reset" if isinstance(event, RoomReset) else event.progress)
            self._changed.notify_all()

    async def until(self, *expected: object) -> None:
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self.received == list(expected))


async def joined(
    client: WebSocketClient, peer: Peer, epoch: str = "e", offset: int = 0
) -> PeerSocket:
    """Connect, and join ROOM."""
    socket = await connected(client, peer)
    joining = client.join_room(ROOM)
    assert await socket.accept_join(ROOM, epoch, offset) == [ROOM]
    await joining
    return socket


async def test_a_join_before_connect_is_remembered(client: WebSocketClient, peer: Peer) -> None:
    result = await client.join_room(ROOM)
    assert result.status is RoomStatus.JOINING
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept()
    assert await socket.accept_join(ROOM, "e", 0) == [ROOM]
    await connecting
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_the_answer_to_a_join(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    joining = client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 2)
    result = await joining
    assert (result.room, result.epoch, result.offset, result.recovered) == (ROOM, "e", 2, False)
    assert client.room_status(ROOM) is RoomStatus.CATCHING_UP
    progress = Progress(client)
    await socket.progress(1, "1@job:1")
    await socket.progress(2, "2@job:1")
    await progress.until(1, 2)
    assert client.room_status(ROOM) is RoomStatus.LIVE
    assert client.position(ROOM) == Position("e", 2)


async def test_a_join_can_skip_the_past_or_resume(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    client.join_room(ROOM, "now")
    assert await socket.accept_join(ROOM, "e", 7) == [ROOM, "now"]
    client.join_room("job:2", Position("e2", 4))
    position = {"epoch": "e2", "offset": 4}
    assert await socket.accept_join("job:2", "e2", 4, recovered=True) == ["job:2", position]
    progress = Progress(client)
    await socket.progress(8, "8@job:1")
    await socket.progress(5, "5@job:2", job="2")
    await progress.until(8, 5)


async def test_duplicates_are_dropped_by_position_and_equal_payloads_are_not(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(5, "1@job:1")
    await socket.progress(5, "2@job:1")
    await socket.progress(5, "2@job:1")
    await socket.progress(5, "1-2@job:1")
    await socket.progress(9, "3-6@job:1")
    await socket.progress(1, "5@job:1")
    await progress.until(5, 5, 9)


async def test_a_gap_is_filled_by_resuming(client: WebSocketClient, peer: Peer) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(1, "1@job:1")
    await socket.progress(3, "3@job:1")
    position = {"epoch": "e", "offset": 1}
    await socket.progress(4, "4@job:1")  # sent while the client is joining again
    assert await socket.accept_join(ROOM, "e", 4, recovered=True) == [ROOM, position]
    await socket.progress(2, "2@job:1")
    await socket.progress(4, "3-4@job:1")
    await progress.until(1, 2, 4)


async def test_a_room_whose_retained_log_is_empty_becomes_live(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    live = asyncio.Event()
    client.on("@live", lambda _: live.set(), room=ROOM)
    progress = Progress(client)
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 7)
    await live.wait()
    assert client.room_status(ROOM) is RoomStatus.LIVE
    await socket.progress(8, "8@job:1")
    await progress.until(8)
    assert client.position(ROOM) == Position("e", 8)


async def test_a_room_resumes_from_its_position_after_a_drop(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(1, "1@job:1")
    await progress.until(1)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    position = {"epoch": "e", "offset": 1}
    assert await socket.accept_join(ROOM, "e", 2, recovered=True) == [ROOM, position]
    await until(client, ConnectionState.CONNECTED)
    await socket.progress(2, "2@job:1")
    await progress.until(1, 2)
    assert client.health.rooms_resumed == 1


async def test_another_epoch_resets_the_room(client: WebSocketClient, peer: Peer) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(80, "1@job:1")
    await progress.until(80)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join(ROOM, "other", 1)
    await socket.progress(3, "1@job:1")
    await progress.until(80, "reset", 3)
    assert client.position(ROOM) == Position("other", 1)
    assert client.health.rooms_reset == 1


async def test_a_log_that_is_replaced_while_connected_resets_the_room(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    progress = Progress(client, room=ROOM)
    await socket.progress(80, "1@job:1")
    await socket.emit("room_reset", {"room": ROOM, "epoch": "other", "offset": 1})
    await socket.progress(3, "1@job:1")
    await progress.until(80, "reset", 3)


async def test_a_denied_join_raises(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    joining = client.join_room(ROOM)
    error = {"code": "forbidden", "message": "no"}
    await socket.answer("join_room", {"ok": False, "room": ROOM, "error": error})
    with pytest.raises(RoomDenied):
        await joining
    joining = client.join_room("nowhere")
    error = {"code": "invalid_room", "message": "fits no pattern"}
    await socket.answer("join_room", {"ok": False, "room": "nowhere", "error": error})
    with pytest.raises(InvalidRoom, match="fits no pattern"):
        await joining
    assert client.room_status(ROOM) is None


async def test_a_room_that_is_denied_later_is_joined_again_with_the_next_connection(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    error = {"code": "forbidden", "message": "no"}
    await socket.emit("room_error", {"ok": False, "room": ROOM, "error": error})
    received = asyncio.Event()
    client.on("note", lambda: received.set())
    await socket.emit("note")
    await received.wait()
    assert client.room_status(ROOM) is RoomStatus.DENIED
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join(ROOM, "e", 0, recovered=True)
    await until(client, ConnectionState.CONNECTED)
    assert client.room_status(ROOM) is RoomStatus.LIVE


UNREADABLE = {"ok": False, "room": ROOM, "error": {"code": "broker_unavailable", "message": "down"}}


async def test_a_join_is_retried_while_the_log_is_unavailable(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    progress = Progress(client)
    joining = client.join_room(ROOM)
    assert await socket.answer("join_room", UNREADABLE) == [ROOM]
    assert (await joining).status is RoomStatus.JOINING
    assert client.room_status(ROOM) is RoomStatus.JOINING
    assert (await client.join_room(ROOM)).status is RoomStatus.JOINING
    assert await socket.answer("join_room", UNREADABLE) == [ROOM]
    assert await socket.accept_join(ROOM, "e", 1) == [ROOM]
    await socket.progress(1, "1@job:1")
    await progress.until(1)
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_an_unavailable_log_does_not_delay_reconnecting(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(1, "1@job:1")
    await progress.until(1)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    position = {"epoch": "e", "offset": 1}
    for _ in range(3):
        assert await socket.answer("join_room", UNREADABLE) == [ROOM, position]
        await until(client, ConnectionState.CONNECTED)
        assert client.room_status(ROOM) is RoomStatus.LOST
    assert await socket.accept_join(ROOM, "e", 2, recovered=True) == [ROOM, position]
    await socket.progress(2, "2@job:1")
    await progress.until(1, 2)
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_missing_entries_are_requested_again_while_the_log_is_unavailable(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    progress = Progress(client)
    await socket.progress(2, "2@job:1")
    position = {"epoch": "e", "offset": 0}
    assert await socket.answer("join_room", UNREADABLE) == [ROOM, position]
    await socket.progress(3, "3@job:1")  # ignored, and replayed later
    assert await socket.accept_join(ROOM, "e", 3, recovered=True) == [ROOM, position]
    await socket.progress(3, "1-3@job:1")
    await progress.until(3)


async def test_leaving_a_room_cancels_its_retry(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, reconnection_delay=60.0, reconnection_delay_max=60.0)
    socket = await connected(client, peer)
    joining = client.join_room(ROOM)
    await socket.answer("join_room", UNREADABLE)
    await joining
    client.leave_room(ROOM)
    assert client.room_status(ROOM) is None
    assert (await socket.receive("leave_room")).values() == [ROOM]
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)


async def test_a_rejection_after_an_unavailable_log_is_a_denial(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    await_denial = asyncio.Event()
    client.on("note", await_denial.set)
    client.join_room(ROOM)
    await socket.answer("join_room", UNREADABLE)
    error = {"code": "forbidden", "message": "no"}
    await socket.answer("join_room", {"ok": False, "room": ROOM, "error": error})
    await socket.emit("note")
    await await_denial.wait()
    assert client.room_status(ROOM) is RoomStatus.DENIED


async def test_an_empty_retained_log_does_not_reset_the_room(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    live = asyncio.Event()
    client.on("@live", lambda _: live.set(), room=ROOM)
    progress = Progress(client, room=ROOM)
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 7)
    await live.wait()
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join(ROOM, "e", 9)
    await socket.progress(10, "10@job:1")
    await progress.until(10)
    assert client.position(ROOM) == Position("e", 10)
    assert client.health.rooms_reset == 0


async def test_joins_are_counted(client: WebSocketClient, peer: Peer) -> None:
    socket = await joined(client, peer)
    await client.join_room(ROOM)
    client.leave_room(ROOM)
    await socket.progress(1, "1@job:1")
    await Progress(client).until()
    client.leave_room(ROOM)
    assert (await socket.receive("leave_room")).values() == [ROOM]
    client.leave_room(ROOM)
    assert client.room_status(ROOM) is None


async def test_leaving_before_the_answer_fails_the_join(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    joining = client.join_room(ROOM)
    client.leave_room(ROOM)
    with pytest.raises(NotConnected):
        await joining
    await socket.accept_join(ROOM, "e", 1)
    await socket.receive("leave_room")
    await socket.progress(1, "1@job:1")
    await Progress(client).until()


async def test_leaving_without_a_connection_takes_effect_with_the_next_one(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await joined(client, peer)
    socket.drop()
    await until(client, ConnectionState.RECONNECTING)
    client.leave_room(ROOM)
    socket = await (await peer.next_socket()).accept()
    await until(client, ConnectionState.CONNECTED)
    client.emit("note")
    await socket.receive("note")


async def test_rooms_survive_disconnect_and_connect(client: WebSocketClient, peer: Peer) -> None:
    await joined(client, peer)
    await client.disconnect()
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept()
    assert await socket.accept_join(ROOM, "e", 0, recovered=True) == [
        ROOM,
        {"epoch": "e", "offset": 0},
    ]
    await connecting


async def test_rooms_granted_by_sign_in_are_joined(client: WebSocketClient, peer: Peer) -> None:
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept(rooms=("global",))
    assert await socket.accept_join("global", "g", 0) == ["global"]
    await connecting
    client.join_room("global")
    client.leave_room("global")
    assert client.room_status("global") is RoomStatus.LIVE
    await socket.emit("authenticated", {"userId": "ada", "rooms": []})
    assert (await socket.receive("leave_room")).values() == ["global"]


async def test_a_room_is_joined_for_a_block(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)

    async def use() -> list[float]:
        async with client.room(ROOM) as room, room.events(JobProgress) as events:
            assert room.status is RoomStatus.LIVE
            assert room.position == Position("e", 0)
            assert room.joined is not None
            assert room.joined.epoch == "e"
            return [(await anext(events)).progress, (await anext(events)).progress]

    using = asyncio.create_task(use())
    await socket.accept_join(ROOM, "e", 0)
    await socket.progress(1, "1@job:1")
    await socket.progress(2, "2@job:1")
    assert await using == [1, 2]
    await socket.receive("leave_room")


async def test_a_denied_block_holds_no_reference(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)

    async def use() -> None:
        async with client.room(ROOM):
            raise AssertionError

    using = asyncio.create_task(use())
    error = {"code": "forbidden", "message": "no"}
    await socket.answer("join_room", {"ok": False, "room": ROOM, "error": error})
    with pytest.raises(RoomDenied):
        await using
    assert client.room_status(ROOM) is None


async def test_a_slow_handler_delays_its_room_without_loss(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, queue_size=4)
    socket = await connected(client, peer)
    may_continue, received, handled = asyncio.Event(), list[float](), asyncio.Semaphore(0)

    async def slow(event: JobProgress) -> None:
        await may_continue.wait()
        received.append(event.progress)
        handled.release()

    client.on(JobProgress, slow, room=ROOM)
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    for offset in range(1, 10):
        await socket.progress(offset, f"{offset}@job:1")
    assert (await socket.receive("leave_room")).values() == [ROOM]
    assert client.room_status(ROOM) is RoomStatus.CATCHING_UP
    position = client.position(ROOM)
    assert position is not None
    assert position.offset < 9

    may_continue.set()
    asked = await socket.accept_join(ROOM, "e", 9, recovered=True)
    assert asked == [ROOM, {"epoch": "e", "offset": position.offset}]
    for _ in range(position.offset):
        await handled.acquire()
    for offset in range(position.offset + 1, 10):
        await socket.progress(offset, f"{offset}@job:1")
        await handled.acquire()
    assert received == list(range(1, 10))


async def test_closing_a_congested_iterator_resumes_its_room(peer: Peer, clients: Connect) -> None:
    """Regression: the room was held back forever, also for other handlers."""
    client = clients(peer.url, queue_size=4)
    socket = await connected(client, peer)
    received: list[float] = []
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    stream = client.events(JobProgress, room=ROOM)
    for offset in range(1, 10):
        await socket.progress(offset, f"{offset}@job:1")
    await socket.receive("leave_room")
    assert client.room_status(ROOM) is RoomStatus.CATCHING_UP
    client.on(JobProgress, lambda event: received.append(event.progress), room=ROOM)

    await stream.aclose()
    assert await socket.accept_join(ROOM, "e", 9, recovered=True) == [
        ROOM,
        {"epoch": "e", "offset": 4},
    ]
    for offset in range(5, 10):
        await socket.progress(offset, f"{offset}@job:1")
        await all_received(client, socket)
    assert received == [5, 6, 7, 8, 9]
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_a_room_with_a_gap_is_not_live(client: WebSocketClient, socket: PeerSocket) -> None:
    client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    await socket.progress(1, "1@job:1")
    await socket.progress(3, "3@job:1")
    event = await socket.receive("join_room")
    await socket.progress(4, "4@job:1")
    await all_received(client, socket)
    assert client.room_status(ROOM) is RoomStatus.CATCHING_UP
    fault = {"code": "broker_unavailable", "message": "not now"}
    socket.connection.send_ack("/", event.ack_id, [{"ok": False, "error": fault}])
    await socket.progress(5, "5@job:1")
    await socket.flush()
    await socket.accept_join(ROOM, "e", 1, recovered=True)
    await all_received(client, socket)
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_events_without_a_position_are_dropped_and_counted_when_the_queue_is_full(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, queue_size=2)
    socket = await connected(client, peer)
    stream = client.events(JobProgress)
    got_all = asyncio.Event()
    client.on("note", lambda: got_all.set())
    for percent in range(5):
        await socket.progress(percent)
    await socket.emit("note")
    await got_all.wait()
    assert client.health.events_dropped == 3
    assert [(await anext(stream)).progress, (await anext(stream)).progress] == [0, 1]
    await stream.aclose()


async def test_a_connection_lost_while_rooms_resume_is_replaced_at_once(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: the client waited for the answers to its joins until the attempt's timeout."""
    socket = await joined(client, peer)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await socket.receive("join_room")
    socket.drop()
    async with asyncio.timeout(2):
        socket = await (await peer.next_socket()).accept()
        assert await socket.accept_join(ROOM, "e", 0, recovered=True)
    await until(client, ConnectionState.CONNECTED)


async def test_a_room_resumes_after_a_connection_that_ends_before_its_events_are_delivered(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: the held events made the room live, so that it was never joined again."""
    socket = await joined(client, peer)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    join = await socket.receive("join_room")
    assert join.ack_id is not None

    disconnections: list[asyncio.Task[None]] = []

    def disconnect(state: ConnectionState) -> None:
        if state is ConnectionState.CONNECTED:
            disconnections.append(asyncio.create_task(client.disconnect()))

    forget = client.on_state_change(disconnect)
    answer = {"ok": True, "room": ROOM, "epoch": "e", "offset": 1, "recovered": True}
    socket.connection.send_ack("/", join.ack_id, [answer])
    data = {"jobId": "1", "progress": 1, "currentStep": "x", "timestamp": 1}
    socket.connection.send_event("/", "job:progress", [data, "1@job:1"])
    socket.flush_together()
    await until(client, ConnectionState.DISCONNECTED)
    forget()

    connecting = asyncio.create_task(client.connect())
    async with asyncio.timeout(2):
        socket = await (await peer.next_socket()).accept()
        position = {"epoch": "e", "offset": 0}
        assert await socket.accept_join(ROOM, "e", 1, recovered=True) == [ROOM, position]
    await connecting
    await asyncio.gather(*disconnections)
