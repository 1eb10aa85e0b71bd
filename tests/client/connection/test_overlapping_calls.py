"""connect, disconnect and retry at the same time, cancelled, from listeners and over loops."""

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
NOBODY = "http://127.0.0.1:1"


async def connected_while_leaving(client: WebSocketClient, peer: Peer) -> None:
    leaving = asyncio.create_task(client.disconnect())
    await asyncio.sleep(0)
    connecting = asyncio.create_task(client.connect())
    await (await peer.visit()).accept()
    await asyncio.gather(leaving, connecting)
    assert client.is_connected


async def test_connecting_while_it_says_goodbye_connects_anew(
    client: WebSocketClient, peer: Peer
) -> None:
    """`connect` returned at once, and a moment later the client was disconnected."""
    await connected(client, peer)
    await connected_while_leaving(client, peer)


async def test_connecting_while_reconnecting_is_called_off(peer: Peer, clients: Connect) -> None:
    """It raised that a client cannot go from reconnecting to connecting."""
    client = clients(peer.url, reconnection_delay=1000.0, reconnection_delay_max=1000.0)
    visit = await connected(client, peer)
    visit.drop()
    await until(client, ConnectionState.RECONNECTING)
    await connected_while_leaving(client, peer)


async def test_a_cancelled_disconnect_disconnects_all_the_same(
    client: WebSocketClient, peer: Peer
) -> None:
    """The state stayed `connected` for ever, without a connection."""
    await connected(client, peer)
    leaving = asyncio.create_task(client.disconnect())
    await asyncio.sleep(0)
    leaving.cancel()
    await until(client, DISCONNECTED)
    assert leaving.cancelled()
    await connected(client, peer)


async def test_the_last_call_wins(client: WebSocketClient, peer: Peer) -> None:
    """What had been called before the last `disconnect` connected all the same."""
    await connected(client, peer)
    calls = [client.disconnect(), client.connect(), client.disconnect()]
    _, connecting, _ = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(connecting, NotConnected)
    assert client.state is DISCONNECTED


async def test_disconnecting_twice_at_once(client: WebSocketClient, peer: Peer) -> None:
    visit = await connected(client, peer)
    client.emit("last")
    await asyncio.gather(client.disconnect(), client.disconnect())
    assert client.state is DISCONNECTED
    await visit.receive("last")


async def test_disconnecting_before_the_attempt_began(clients: Connect) -> None:
    client = clients(NOBODY)
    waiting = client.emit("note")
    client.retry()
    await client.disconnect()
    assert client.state is DISCONNECTED
    with pytest.raises(NotConnected):
        await waiting


async def test_a_listener_may_retry(clients: Connect) -> None:
    """Nothing happened: the attempt that had failed was not over yet."""
    client = clients(NOBODY, timeout=0.01)
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


def test_a_loop_that_ends_ends_the_connection() -> None:
    """The client stayed `connected`, and was deaf in the next loop."""

    async def connect() -> None:
        await client.connect()
        await asyncio.wait_for(client.ping(), 5)

    with ServerProcess("--broker=memory:") as server:
        client = WebSocketClient(server.url, token=server.token())
        for _ in range(2):
            asyncio.run(connect())
            assert client.state is DISCONNECTED
            assert client.health.uptime is None


def test_a_client_backs_off_in_a_second_loop_as_in_the_first() -> None:
    """`connect` hung: its timer belonged to the first loop."""
    client = WebSocketClient(NOBODY, timeout=0.1, reconnection_delay=0.02)

    async def fail_to_connect() -> None:
        with pytest.raises(NotConnected):
            await asyncio.wait_for(client.connect(), 2)

    for _ in range(2):
        asyncio.run(fail_to_connect())
        assert client.state is ERROR


async def test_another_event_loop_is_told_to_take_another_client(
    client: WebSocketClient, peer: Peer
) -> None:
    """It waited for what never woke it, and `disconnect` too."""
    await connected(client, peer)

    async def refuse(call: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await call()

    def go_elsewhere() -> None:
        asyncio.run(refuse(client.connect))
        asyncio.run(refuse(client.ping))
        asyncio.run(refuse(lambda: client.call("question")))
        asyncio.run(refuse(lambda: client.emit("note")))
        asyncio.run(refuse(lambda: client.publish(progress(1))))
        asyncio.run(refuse(lambda: client.join_room("job:1")))
        asyncio.run(refuse(client.disconnect))

    await asyncio.wait_for(asyncio.to_thread(go_elsewhere), 5)
    assert client.is_connected
