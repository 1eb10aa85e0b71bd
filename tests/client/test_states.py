"""The effect of each method in each connection state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobCancel, JobProgress
from longwire.client import ConnectionState, RoomStatus
from longwire.errors import CallTimeout, LocalProtocolError, NotConnected
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, PeerSocket, connected, progress

UNREACHABLE = "http://127.0.0.1:1"

Send = Callable[[WebSocketClient], Awaitable[object]]

SENDING: dict[str, Send] = {
    "emit": lambda client: client.emit("note", 1),
    "emit a typed event": lambda client: client.emit(JobCancel(job_id="1", timestamp=1)),
    "publish": lambda client: client.publish(progress(1)),
    "call": lambda client: client.call("question"),
}


@pytest.fixture(params=SENDING.values(), ids=SENDING.keys())
def send(request: pytest.FixtureRequest) -> Send:
    """One of the methods that send."""
    return request.param


async def given_up(clients: Connect, **options: Any) -> WebSocketClient:
    """A client in the state `error`."""
    client = clients(UNREACHABLE, **{"timeout": 0.01} | options)
    with pytest.raises(NotConnected):
        await client.connect()
    assert client.state is ConnectionState.ERROR
    return client


async def sent_away(client: WebSocketClient, socket: PeerSocket) -> None:
    """Bring a connected client into the state `error`: the server advises against reconnecting."""
    advice = {"reason": "server_disconnect", "message": "no", "reconnect": False, "retryAfter": 0}
    await socket.emit("closing", advice)
    socket.drop()
    await until(client, ConnectionState.ERROR)


async def test_events_that_wait_fail_when_the_client_disconnects(
    clients: Connect, send: Send
) -> None:
    client = clients(UNREACHABLE)
    waiting = asyncio.ensure_future(send(client))
    await asyncio.sleep(0)
    assert not waiting.done()
    await client.disconnect()
    with pytest.raises(NotConnected):
        await waiting


async def test_disconnecting_ends_iterators_of_a_client_that_never_connected(
    clients: Connect,
) -> None:
    client = clients(UNREACHABLE)
    stream = client.events(JobProgress)
    next_one = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    await client.disconnect()
    assert await next_one is None


async def test_sending_in_the_error_state_fails_at_once_with_the_reason(
    clients: Connect, send: Send
) -> None:
    client = await given_up(clients)
    with pytest.raises(NotConnected, match=r"gave up \(.+\); retry\(\) or connect\(\)") as caught:
        await asyncio.wait_for(send(client), 1)
    assert caught.value.__cause__ is client.error
    assert client.health.given_up == 1


async def test_a_client_that_gave_up_sends_again_after_a_retry(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url)
    await sent_away(client, await connected(client, peer))
    lost = client.emit("lost")
    client.retry()
    kept = client.emit("kept")
    socket = await (await peer.next_socket()).accept()
    assert (await socket.receive("kept")).values() == []
    await kept
    with pytest.raises(NotConnected):
        await lost


async def test_connecting_with_another_token_after_a_rejected_one(
    client: WebSocketClient, peer: Peer
) -> None:
    connecting = asyncio.create_task(client.connect("wrong"))
    await (await peer.next_socket()).refuse("no", "token_invalid")
    await asyncio.wait([connecting])
    assert connecting.exception() is client.error
    with pytest.raises(NotConnected):
        await client.call("question")
    connecting = asyncio.create_task(client.connect("right"))
    await asyncio.sleep(0)
    answer = asyncio.create_task(client.call("question"))
    socket = await (await peer.next_socket()).accept()
    assert socket.auth["token"] == "right"
    await connecting
    await socket.answer("question", 42)
    assert await answer == 42


@pytest.mark.parametrize(
    ("name", "values"),
    [("connect", ()), ("disconnecting", ()), ("note", (object(),)), ("note", ("\ud800",))],
)
async def test_events_that_can_never_be_sent_raise_at_once(
    client: WebSocketClient, peer: Peer, name: str, values: tuple[object, ...]
) -> None:
    """Regression: such an event waited for the connection, which then never became ready."""
    with pytest.raises(LocalProtocolError):
        client.emit(name, *values)
    kept = client.emit("kept")
    socket = await connected(client, peer)
    await socket.receive("kept")
    await kept
    with pytest.raises(LocalProtocolError):
        await client.call(name, *values)


async def test_values_are_sent_as_they_were_when_emitted(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: later changes of a value were sent, or made it impossible to encode."""
    value: list[object] = [1]
    emitted = client.emit("note", value)
    asked = asyncio.create_task(client.call("question", value))
    await asyncio.sleep(0)
    value.append(object())
    socket = await connected(client, peer)
    assert (await socket.receive("note")).values() == [[1]]
    await emitted
    assert await socket.answer("question", "yes") == [[1]]
    assert await asked == "yes"


async def test_subscriptions_and_joins_in_the_error_state_work_after_a_retry(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url)
    await sent_away(client, await connected(client, peer))
    assert (await client.join_room("job:1")).status is RoomStatus.JOINING
    received: asyncio.Queue[JobProgress] = asyncio.Queue()
    client.on(JobProgress, received.put_nowait)
    client.retry()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join("job:1", "e", 1)
    await socket.progress(7, "1@job:1")
    assert (await received.get()).progress == 7


async def test_an_outbox_file_stores_events_emitted_in_the_error_state(
    peer: Peer, clients: Connect, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.db"
    client = clients(peer.url, outbox_file=path)
    await sent_away(client, await connected(client, peer))
    emitted = client.emit("note")
    with pytest.raises(NotConnected):
        await client.call("question")
    client.retry()
    socket = await (await peer.next_socket()).accept()
    await socket.receive("note")
    await emitted


async def test_connect_while_reconnecting_retries_at_once_within_the_timeout(
    peer: Peer, clients: Connect
) -> None:
    client = clients(
        peer.url, reconnection_delay=1000.0, reconnection_delay_max=1000.0, timeout=0.5
    )
    socket = await connected(client, peer)
    socket.drop()
    await until(client, ConnectionState.RECONNECTING)
    connecting = asyncio.create_task(client.connect())
    await peer.next_socket()  # not answered
    with pytest.raises(NotConnected, match="keeps trying"):
        await connecting
    assert client.state is ConnectionState.RECONNECTING


async def test_a_new_token_that_a_stock_server_ignores_times_out(
    peer: Peer, clients: Connect
) -> None:
    client = clients(
        peer.url,
        timeout=0.5,
        authentication_grace=0.01,
    )
    connecting = asyncio.create_task(client.connect("old"))
    await (await peer.next_socket()).accept(user=None)
    await connecting
    with pytest.raises(CallTimeout, match="new token"):
        await client.connect("new")


async def test_a_join_that_a_stock_server_never_answers_counts_as_accepted(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, authentication_grace=0.01)
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept(user=None)
    await connecting
    joined = await client.join_room("news")
    await socket.receive("join_room")
    assert joined.status is RoomStatus.LIVE
    assert client.room_status("news") is RoomStatus.LIVE
