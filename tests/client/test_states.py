"""What each call means in each state: it is done, waits within bounds, or fails with a reason."""

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

NOBODY = "http://127.0.0.1:1"

Send = Callable[[WebSocketClient], Awaitable[object]]

SENDING: dict[str, Send] = {
    "emit": lambda client: client.emit("note", 1),
    "emit a typed event": lambda client: client.emit(JobCancel(job_id="1", timestamp=1)),
    "publish": lambda client: client.publish(progress(1)),
    "call": lambda client: client.call("question"),
}


@pytest.fixture(params=SENDING.values(), ids=SENDING.keys())
def send(request: pytest.FixtureRequest) -> Send:
    """One of the ways to send."""
    return request.param


async def given_up(clients: Connect, **options: Any) -> WebSocketClient:
    """A client in the state `error`."""
    client = clients(NOBODY, **{"timeout": 0.01} | options)
    with pytest.raises(NotConnected):
        await client.connect()
    assert client.state is ConnectionState.ERROR
    return client


async def sent_away(client: WebSocketClient, socket: PeerSocket) -> None:
    """Bring a connected client into the state `error`."""
    advice = {"reason": "server_disconnect", "message": "no", "reconnect": False, "retryAfter": 0}
    await socket.emit("closing", advice)
    socket.drop()
    await until(client, ConnectionState.ERROR)


async def test_what_waits_before_the_first_connection_fails_when_the_client_is_closed(
    clients: Connect, send: Send
) -> None:
    client = clients(NOBODY)
    waiting = asyncio.ensure_future(send(client))
    await asyncio.sleep(0)
    assert not waiting.done()
    await client.disconnect()
    with pytest.raises(NotConnected):
        await waiting


async def test_an_iterator_of_a_client_that_never_connected_ends_with_it(
    clients: Connect,
) -> None:
    client = clients(NOBODY)
    stream = client.events(JobProgress)
    next_one = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    await client.disconnect()
    assert await next_one is None


async def test_who_gave_up_refuses_at_once_and_says_why(clients: Connect, send: Send) -> None:
    client = await given_up(clients)
    with pytest.raises(NotConnected, match=r"gave up \(.+\); retry\(\) or connect\(\)") as caught:
        await asyncio.wait_for(send(client), 1)
    assert caught.value.__cause__ is client.error
    assert client.health.given_up == 1


async def test_who_gave_up_sends_again_after_a_retry(peer: Peer, clients: Connect) -> None:
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


async def test_a_refused_token_is_replaced_by_another(client: WebSocketClient, peer: Peer) -> None:
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
async def test_what_can_never_be_sent_is_refused_at_once_and_harms_nothing(
    client: WebSocketClient, peer: Peer, name: str, values: tuple[object, ...]
) -> None:
    """Such an event waited for the connection, which then never became ready."""
    with pytest.raises(LocalProtocolError):
        client.emit(name, *values)
    kept = client.emit("kept")
    socket = await connected(client, peer)
    await socket.receive("kept")
    await kept
    with pytest.raises(LocalProtocolError):
        await client.call(name, *values)


async def test_values_that_change_while_they_wait_are_sent_as_they_were(
    client: WebSocketClient, peer: Peer
) -> None:
    """They were sent as they had become, or failed if they could no longer be encoded."""
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


async def test_who_gave_up_still_hears_and_joins_with_the_next_connection(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url)
    await sent_away(client, await connected(client, peer))
    assert (await client.join_room("job:1")).status is RoomStatus.JOINING
    heard: asyncio.Queue[JobProgress] = asyncio.Queue()
    client.on(JobProgress, heard.put_nowait)
    client.retry()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join("job:1", "e", 1)
    await socket.progress(7, "1@job:1")
    assert (await heard.get()).progress == 7


async def test_a_file_keeps_what_is_sent_after_giving_up(
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


async def test_connecting_again_while_it_reconnects_tries_at_once_and_not_for_ever(
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


async def test_a_new_token_that_a_stock_server_ignores_is_not_waited_for_for_ever(
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


async def test_a_join_that_a_stock_server_never_answers_counts_as_done(
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
