"""Connecting, signing in, giving up and disconnecting: what `state` and `connect` promise."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from longwire import CATALOG, WebSocketClient
from longwire.client import ConnectionState, RoomStatus
from longwire.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    ConnectionRefused,
    NotConnected,
)
from longwire.websocket.frames import encode_text
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, connected

CONNECTED = ConnectionState.CONNECTED
DISCONNECTED = ConnectionState.DISCONNECTED
ERROR = ConnectionState.ERROR
RECONNECTING = ConnectionState.RECONNECTING


async def test_connected_means_authenticated(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, token="secret")
    states: list[str] = []
    client.on_state_change(states.append)
    connecting = asyncio.create_task(client.connect())
    socket = await peer.next_socket()
    assert client.state is ConnectionState.CONNECTING
    await socket.accept(user="ada")
    await connecting
    contract = CATALOG.fingerprint
    assert socket.auth == {"token": "secret", "positions": True, "contract": contract}
    assert client.is_connected
    assert client.user_id == "ada"
    assert states == ["connecting", "connected"]


async def test_rooms_are_resumed_before_connected(client: WebSocketClient, peer: Peer) -> None:
    client.join_room("job:1")
    connecting = asyncio.create_task(client.connect())
    socket = await (await peer.next_socket()).accept()
    event = await socket.receive("join_room")
    assert not client.is_connected
    socket.connection.send_ack("/", event.ack_id, [{"ok": True, "room": "job:1"}])
    await socket.flush()
    await connecting
    assert client.is_connected


async def test_two_connects_share_one_connection(client: WebSocketClient, peer: Peer) -> None:
    connecting = asyncio.gather(client.connect(), client.connect())
    await (await peer.next_socket()).accept()
    await connecting
    await client.connect()
    assert peer.connections == 1


async def test_a_rejected_token_is_final(client: WebSocketClient, peer: Peer) -> None:
    connecting = asyncio.create_task(client.connect("wrong"))
    await (await peer.next_socket()).refuse("token is invalid", "token_invalid")
    with pytest.raises(ConnectionRefused, match="token is invalid") as caught:
        await connecting
    assert caught.value.code == "token_invalid"
    assert client.state is ERROR
    assert client.error is caught.value
    assert peer.connections == 1


async def test_a_provider_is_called_again_after_a_rejection(peer: Peer, clients: Connect) -> None:
    tokens = iter(["old", "new"])

    async def provide() -> str:
        return next(tokens)

    client = clients(peer.url, token=provide)
    connecting = asyncio.create_task(client.connect())
    await (await peer.next_socket()).refuse("expired", "token_expired")
    socket = await (await peer.next_socket()).accept()
    await connecting
    assert socket.auth["token"] == "new"


async def test_a_provider_is_called_again_only_once_after_a_rejection(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, token=lambda: "bad")
    connecting = asyncio.create_task(client.connect())
    for _ in range(2):
        await (await peer.next_socket()).refuse("no", "token_invalid")
    with pytest.raises(ConnectionRefused):
        await connecting
    assert peer.connections == 2


async def test_after_an_error_another_token_starts_again(
    client: WebSocketClient, peer: Peer
) -> None:
    connecting = asyncio.create_task(client.connect("wrong"))
    await (await peer.next_socket()).refuse("no", "token_invalid")
    with pytest.raises(ConnectionRefused):
        await connecting
    connecting = asyncio.create_task(client.connect("right"))
    socket = await (await peer.next_socket()).accept()
    await connecting
    assert socket.auth["token"] == "right"
    assert client.error is None


async def test_connect_fails_if_no_server_listens(clients: Connect) -> None:
    client = clients("http://127.0.0.1:1", timeout=0.2)
    with pytest.raises(NotConnected):
        await client.connect()
    assert client.state is ERROR
    assert isinstance(client.error, NotConnected)


async def test_connect_fails_if_the_server_never_answers(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, timeout=0.2, reconnection=False)
    with pytest.raises(
        NotConnected, match=r"websocket: no answer within 0\.1 s; polling: HTTP 426"
    ):
        await client.connect()
    assert client.state is ERROR


def test_an_invalid_url_is_rejected() -> None:
    with pytest.raises(ConfigurationError):
        WebSocketClient("localhost:8000")


async def test_disconnect_while_connecting_ends_the_wait(
    client: WebSocketClient, peer: Peer
) -> None:
    connecting = asyncio.create_task(client.connect())
    await peer.next_socket()
    await client.disconnect()
    with pytest.raises(NotConnected):
        await connecting
    assert client.state is DISCONNECTED


async def test_a_cancelled_connect_leaves_nothing_running(
    client: WebSocketClient, peer: Peer
) -> None:
    connecting = asyncio.create_task(client.connect())
    await peer.next_socket()
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    assert client.state is DISCONNECTED


async def test_disconnect_closes_after_everything_was_sent(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    for number in range(100):
        client.emit("note", number)
    await client.disconnect()
    received = [(await socket.receive("note")).values()[0] for _ in range(100)]
    assert received == list(range(100))
    await socket.is_over.wait()
    assert client.state is DISCONNECTED


async def test_disconnect_ends_everything_that_waits(client: WebSocketClient, peer: Peer) -> None:
    await connected(client, peer)
    call = asyncio.create_task(client.call("question"))
    joining = client.join_room("job:1")
    stream = client.events()
    waiting = asyncio.create_task(anext(stream, "end"))
    await asyncio.sleep(0)
    await client.disconnect()
    with pytest.raises(NotConnected):
        await call
    assert (await joining).status is RoomStatus.JOINING, "with the next connection"
    assert await waiting == "end"


async def test_a_client_reconnects_after_a_drop(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    states: list[str] = []
    notified: list[object] = []
    client.on_state_change(states.append)
    client.on("disconnect", notified.append)
    client.on("reconnect", notified.append)
    socket.drop()
    await (await peer.next_socket()).accept()
    await until(client, CONNECTED)
    await asyncio.sleep(0)
    assert states == ["reconnecting", "connected"]
    assert notified == ["transport close", 1]
    assert client.health.drops == client.health.reconnects == 1


async def test_a_client_reconnects_if_closed_without_advice(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    await socket.close()
    await (await peer.next_socket()).accept()
    await until(client, CONNECTED)


@pytest.mark.parametrize("garbage", ["42{}", "42[]", "9", "not Engine.IO"])
async def test_a_client_reconnects_after_receiving_garbage(
    client: WebSocketClient, peer: Peer, garbage: str
) -> None:
    """Regression: the client gave up forever."""
    socket = await connected(client, peer)
    socket.write(encode_text(garbage))
    await (await peer.next_socket()).accept()
    await until(client, CONNECTED)
    assert client.health.drops == 1


async def test_the_servers_advice_not_to_reconnect_is_final(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    advice = {"reason": "limit_exceeded", "message": "Too much.", "reconnect": False}
    await socket.emit("closing", advice | {"retryAfter": 0})
    await socket.close()
    await until(client, ERROR)
    assert str(client.error) == "Too much."
    assert peer.connections == 1


async def test_an_expired_token_is_replaced_by_the_provider(peer: Peer, clients: Connect) -> None:
    tokens = iter(["old", "new"])
    client = clients(peer.url, token=lambda: next(tokens))
    socket = await connected(client, peer)
    advice = {"reason": "token_expired", "message": "x", "reconnect": False, "retryAfter": 0}
    await socket.emit("closing", advice)
    await socket.close()
    socket = await (await peer.next_socket()).accept()
    await until(client, CONNECTED)
    assert socket.auth["token"] == "new"


async def test_giving_up_after_the_last_attempt_and_retrying(
    client: WebSocketClient, peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, reconnection_attempts=2)
    (await connected(client, peer)).drop()
    for _ in range(2):
        (await peer.next_socket()).drop()
    await until(client, ERROR)
    assert peer.connections == 3
    assert isinstance(client.error, NotConnected)
    client.retry()
    for _ in range(2):
        (await peer.next_socket()).drop()
    await (await peer.next_socket()).accept()
    await until(client, CONNECTED)


async def test_retry_does_not_wait_for_the_backoff(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, reconnection_delay=1000.0, reconnection_delay_max=1000.0)
    socket = await connected(client, peer)
    socket.drop()
    await until(client, RECONNECTING)
    await asyncio.sleep(0)
    client.retry()
    await (await peer.next_socket()).accept()
    await until(client, CONNECTED)


async def test_without_reconnection_a_drop_is_final(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, reconnection=False)
    socket = await connected(client, peer)
    socket.drop()
    await until(client, DISCONNECTED)
    assert isinstance(client.error, NotConnected)


async def test_connect_with_a_token_while_connected_replaces_it_in_place(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    replacing = asyncio.create_task(client.connect("tok2"))
    assert (await socket.receive("auth")).values() == ["tok2"]
    await socket.emit("authenticated", {"userId": "ada", "rooms": []})
    await replacing
    assert peer.connections == 1


async def test_a_rejected_new_token_does_not_end_the_connection(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, token="tok1")
    socket = await connected(client, peer)
    replacing = asyncio.create_task(client.connect("tok2"))
    await socket.receive("auth")
    await socket.emit("auth_error", "not yours")
    with pytest.raises(AuthenticationError, match="not yours"):
        await replacing
    assert client.is_connected
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    assert socket.auth["token"] == "tok1", "a rejected token must not be used again"


async def test_a_drop_while_the_token_is_replaced_raises_not_connected(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: the error of the system was raised, for example a broken pipe."""
    socket = await connected(client, peer)
    replacing = asyncio.create_task(client.connect("tok2"))
    await socket.receive("auth")
    socket.drop()
    with pytest.raises(NotConnected):
        await replacing
    assert isinstance(client.error, NotConnected)


async def test_the_provider_is_called_before_the_token_expires(
    peer: Peer, clients: Connect
) -> None:
    tokens = iter(["first", "second"])
    client = clients(peer.url, token=lambda: next(tokens))
    socket = await connected(client, peer)
    await socket.emit("auth_expiring", {"expiresIn": 30})
    await socket.emit("auth_expiring", {"expiresIn": 29})
    assert (await socket.receive("auth")).values() == ["second"]
    await socket.emit("authenticated", {"userId": "ada", "rooms": []})


async def test_a_silent_connection_is_detected_by_the_heartbeat(clients: Connect) -> None:
    from longwire.engineio.server import Options

    async with Peer(Options(ping_interval=0.1, ping_timeout=0.1)) as peer:
        client = clients(peer.url)
        await connected(client, peer)  # the scripted server never sends a heartbeat
        await (await peer.next_socket()).accept()
        await until(client, CONNECTED)
        await client.disconnect()


async def test_a_call_without_an_answer_times_out(client: WebSocketClient, peer: Peer) -> None:
    await connected(client, peer)
    with pytest.raises(CallTimeout):
        await client.call("question", timeout=0.01)


async def test_async_with_connects_and_disconnects(peer: Peer) -> None:
    async def script() -> None:
        await (await peer.next_socket()).accept()

    scripted = asyncio.create_task(script())
    async with WebSocketClient(peer.url, token="t") as client:
        assert client.is_connected
    assert client.state is DISCONNECTED
    await scripted


async def test_only_leaving_the_last_block_disconnects(peer: Peer) -> None:
    """Regression: the first block that was left disconnected the others."""
    client = WebSocketClient(peer.url, token="t")
    entering = asyncio.create_task(client.__aenter__())
    await (await peer.next_socket()).accept()
    await entering
    async with client:
        assert client.is_connected
    assert client.is_connected
    await client.__aexit__()
    assert client.state is DISCONNECTED


async def test_a_request_of_the_server_is_acknowledged(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    assert await socket.call("anything", 1) == []


async def test_health_counts_drops_reconnects_and_resumed_rooms(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    for room, epoch in (("job:1", "e"), ("job:2", "f")):
        client.join_room(room)
        await socket.accept_join(room, epoch, 0)
    for _ in range(2):  # the jitter is the difference between two round trips
        pinging = asyncio.create_task(client.ping())
        await socket.pinged.wait()
        socket.pinged.clear()
        await socket.emit("pong", {"timestamp": 1})
        await pinging
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await socket.accept_join("job:1", "e", 0, recovered=True)
    await socket.accept_join("job:2", "g", 0)
    await until(client, ConnectionState.CONNECTED)
    health = client.health
    assert (health.drops, health.reconnects) == (1, 1)
    assert (health.rooms_resumed, health.rooms_reset) == (1, 1)
    figures = msgspec.structs.asdict(health)
    unknown = [name for name, figure in figures.items() if figure is None]
    assert unknown == ["other_contract"]
