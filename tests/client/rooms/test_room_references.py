"""References to rooms: joins that are cancelled, rejected, repeated or invalid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobProgress
from longwire.client import RoomStatus
from longwire.errors import LocalProtocolError, RoomDenied
from tests.client.peer import Peer, PeerSocket, all_received, connected

ROOM = "job:1"
DENIAL: dict[str, Any] = {"ok": False, "room": ROOM, "error": {"code": "forbidden"}}


async def test_cancelling_a_join_takes_it_back(client: WebSocketClient, socket: PeerSocket) -> None:
    first, second = client.join_room(ROOM), client.join_room(ROOM)
    event = await socket.receive("join_room")
    first.cancel()
    await asyncio.sleep(0)
    socket.connection.send_ack("/", event.ack_id, [{"ok": True, "room": ROOM}])
    await socket.flush()
    assert (await second).status is RoomStatus.LIVE
    client.leave_room(ROOM)
    await socket.receive("leave_room")
    assert client.room_status(ROOM) is None


async def test_a_join_that_is_cancelled_and_rejected_is_taken_back_once(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    held = await join(client, socket)
    await socket.emit("room_error", DENIAL)
    await all_received(client, socket)
    again = client.join_room(ROOM)
    event = await socket.receive("join_room")
    socket.connection.send_ack("/", event.ack_id, [DENIAL])
    again.cancel()
    await socket.flush()
    await all_received(client, socket)
    assert held.room == ROOM
    assert client.room_status(ROOM) is RoomStatus.DENIED, "the first join holds it"


async def test_an_iterator_raises_the_denial_and_does_not_leave_for_others(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: it waited forever, and closing it took back a later join of another caller."""
    events = client.events(JobProgress, room=ROOM)
    await socket.answer("join_room", DENIAL)
    with pytest.raises(RoomDenied):
        await anext(events)
    await join(client, socket)
    await events.aclose()
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_an_iterator_raises_a_later_denial_after_its_events(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    events = client.events(JobProgress, room=ROOM)
    await socket.accept_join(ROOM, "e", 0)
    await socket.progress(7, f"1@{ROOM}")
    await socket.emit("room_error", DENIAL)
    assert (await anext(events)).progress == 7
    with pytest.raises(RoomDenied):
        await anext(events)
    assert client.room_status(ROOM) is None


async def test_unsubscribing_on_cancel_does_not_leave_for_others(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    unsubscribe = client.on_cancel("1", print)
    await socket.answer("join_room", DENIAL)
    await all_received(client, socket)
    await join(client, socket)
    unsubscribe()
    unsubscribe()
    assert client.room_status(ROOM) is RoomStatus.LIVE


async def test_a_room_may_be_entered_twice(client: WebSocketClient, socket: PeerSocket) -> None:
    """Regression: the outer block did not leave the room."""
    room = client.room(ROOM)
    entering = asyncio.create_task(room.__aenter__())
    await socket.accept_join(ROOM, "e", 0)
    await entering
    async with room:
        pass
    assert room.status is RoomStatus.LIVE
    await room.__aexit__()
    assert room.status is None


async def test_representations_of_client_room_and_job(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    await join(client, socket)
    assert repr(client) == f"<WebSocketClient {client.options.url} connected as ada>"
    assert repr(client.room(ROOM)) == "<Room 'job:1' live>"
    assert repr(client.room("job:2")) == "<Room 'job:2' not joined>"
    assert repr(client.job("1")) == "<JobTracker '1' queued>"


@pytest.mark.parametrize("name", ["", "\ud800", 5, None, b"job:1"])
async def test_invalid_room_names_raise_at_once(
    client: WebSocketClient, peer: Peer, name: Any
) -> None:
    """Regression: such a name waited for the connection, which then never became ready."""
    with pytest.raises(LocalProtocolError, match="room must be a non-empty string"):
        client.join_room(name)
    await connected(client, peer)


async def join(client: WebSocketClient, socket: PeerSocket) -> Any:
    joining = client.join_room(ROOM)
    await socket.accept_join(ROOM, "e", 0)
    return await joining
