"""connect, disconnect and retry: concurrent, cancelled, from listeners and in several loops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from longwire import WebSocketClient
from longwire.client import ConnectionState
from longwire.errors import ConfigurationError, NotConnected
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, connected, progress
from tests.serving import ServerProcess

CONNECTED = ConnectionState.CONNECTED
DISCONNECTED = ConnectionState.DISCONNECTED
ERROR = ConnectionState.ERROR
UNREACHABLE = "http://127.0.0.1:1"


async def connect_during_disconnect(client: WebSocketClient, peer: Peer) -> None:
    disconnecting = asyncio.create_task(client.disconnect())
    await asyncio.sleep(0)
    connecting = asyncio.create_task(client.connect())
    await (await peer.next_socket()).accept()
    await asyncio.gather(disconnecting, connecting)
    assert client.is_connected


async def test_connect_during_disconnect_connects_again(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: `connect` returned at once, and then the client was disconnected."""
    await connected(client, peer)
    await connect_during_disconnect(client, peer)


async def test_connect_during_disconnect_while_reconnecting_connects_again(
    peer: Peer, clients: Connect
) -> None:
    """Regression: it raised that a client cannot go from reconnecting to connecting."""
    client = clients(peer.url, reconnection_delay=1000.0, reconnection_delay_max=1000.0)
    socket = await connected(client, peer)
    socket.drop()
    await until(client, ConnectionState.RECONNECTING)
    await connect_during_disconnect(client, peer)


async def test_a_cancelled_disconnect_still_disconnects(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: the state stayed `connected` forever, without a connection."""
    await connected(client, peer)
    disconnecting = asyncio.create_task(client.disconnect())
    await asyncio.sleep(0)
    disconnecting.cancel()
    await until(client, DISCONNECTED)
    assert disconnecting.cancelled()
    await connected(client, peer)


async def test_the_last_call_wins(client: WebSocketClient, peer: Peer) -> None:
    """Regression: a `connect` called before the last `disconnect` still connected."""
    await connected(client, peer)
    calls = [client.disconnect(), client.connect(), client.disconnect()]
    _, connecting, _ = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(connecting, NotConnected)
    assert client.state is DISCONNECTED


async def test_concurrent_disconnects(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    client.emit("last")
    await asyncio.gather(client.disconnect(), client.disconnect())
    assert client.state is DISCONNECTED
    await socket.receive("last")


async def test_disconnect_before_the_attempt_has_started(clients: Connect) -> None:
    client = clients(UNREACHABLE)
    waiting = client.emit("note")
    client.retry()
    await client.disconnect()
    assert client.state is DISCONNECTED
    with pytest.raises(NotConnected):
        await waiting


async def test_a_state_listener_can_call_retry(clients: Connect) -> None:
    """Regression: `retry` had no effect, because the failed attempt had not ended yet."""
    client = clients(UNREACHABLE, timeout=0.01)
    retries = 0
    early: list[str] = []
    late: list[str] = []

    def retry_twice(state: ConnectionState) -> None:
        nonlocal retries
        early.append(state)
        if state is ERROR and retries < 2:
            retries += 1
            client.retry()

    client.on_state_change(retry_twice)
    client.on_state_change(late.append)
    with pytest.raises(NotConnected):
        await client.connect()
    while early.count(ERROR) < 3:
        await until(client, ConnectionState.CONNECTING)
        await until(client, ERROR)
    assert early == late == 3 * ["connecting", "error"]


def test_the_end_of_the_event_loop_ends_the_connection() -> None:
    """Regression: the client stayed `connected`, and received nothing in the next loop."""

    async def connect() -> None:
        await client.connect()
        await asyncio.wait_for(client.ping(), 5)

    with ServerProcess("--broker=memory:") as server:
        client = WebSocketClient(server.url, token=server.token())
        for _ in range(2):
            asyncio.run(connect())
            assert client.state is DISCONNECTED
            assert client.health.uptime is None


def test_the_backoff_works_in_a_second_event_loop() -> None:
    """Regression: `connect` hung, because its timer belonged to the first loop."""
    client = WebSocketClient(UNREACHABLE, timeout=0.1, reconnection_delay=0.02)

    async def fail_to_connect() -> None:
        with pytest.raises(NotConnected):
            await asyncio.wait_for(client.connect(), 2)

    for _ in range(2):
        asyncio.run(fail_to_connect())
        assert client.state is ERROR


async def test_calls_from_another_event_loop_raise(client: WebSocketClient, peer: Peer) -> None:
    """Regression: such calls waited forever."""
    await connected(client, peer)

    async def refuse(call: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await call()

    def call_from_another_loop() -> None:
        asyncio.run(refuse(client.connect))
        asyncio.run(refuse(client.ping))
        asyncio.run(refuse(lambda: client.call("question")))
        asyncio.run(refuse(lambda: client.emit("note")))
        asyncio.run(refuse(lambda: client.publish(progress(1))))
        asyncio.run(refuse(lambda: client.join_room("job:1")))
        asyncio.run(refuse(client.disconnect))

    await asyncio.wait_for(asyncio.to_thread(call_from_another_loop), 5)
    assert client.is_connected
