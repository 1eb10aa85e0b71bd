"""Token providers that misbehave, and tokens that are replaced while they are in use."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import Identity, Server, WebSocketClient
from longwire.client import ConnectionState
from longwire.clock import clock
from longwire.errors import AuthenticationError, NotConnected
from longwire.testing import Link, ManualClock
from tests.client.conftest import Connect
from tests.client.peer import Peer, all_received, connected


async def test_a_provider_that_hangs_is_called_again(peer: Peer, clients: Connect) -> None:
    """Regression: every later attempt waited for the result of the first call."""
    calls = 0

    async def provide() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        return f"token {calls}"

    client = clients(peer.url, token=provide, timeout=0.1)
    with pytest.raises(NotConnected, match=r"no token from its provider within 0\.1 s"):
        await client.connect()
    client = clients(peer.url, token=provide)
    socket = await connected(client, peer)
    assert socket.auth["token"] == "token 2"


async def cancelled() -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("provider", "message"),
    [(cancelled, "was cancelled"), (lambda: 5, "returned int, not str")],
    ids=["cancelled", "another type"],
)
async def test_a_provider_without_a_token_fails_the_attempt(
    clients: Connect, peer: Peer, provider: Any, message: str
) -> None:
    """Regression: after a cancelled provider `connect` waited forever."""
    client = clients(peer.url, token=provider)
    with pytest.raises(AuthenticationError, match=message):
        await asyncio.wait_for(client.connect(), 2)
    assert client.state is ConnectionState.ERROR


@pytest.mark.parametrize("failure", [TimeoutError, ConnectionError, FileNotFoundError])
async def test_a_providers_network_error_names_the_provider(
    clients: Connect, peer: Peer, failure: type[OSError]
) -> None:
    """Regression: it was reported as the server's, a timeout as that of the attempt."""

    def provide() -> str:
        raise failure("at auth.example")

    client = clients(peer.url, token=provide, timeout=0.05)
    with pytest.raises(NotConnected, match=r"^no token from its provider: at auth\.example$"):
        await client.connect()


async def test_concurrent_calls_of_a_provider_are_merged(peer: Peer, clients: Connect) -> None:
    calls: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()

    async def provide() -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        calls.put_nowait(answer)
        return await answer

    client = clients(peer.url, token=provide)
    connecting = asyncio.gather(client.connect(), client.connect())
    (await calls.get()).set_result("first")
    socket = await (await peer.next_socket()).accept()
    await connecting
    await socket.emit("auth_expiring", {"expiresIn": 30})
    await socket.emit("auth_expiring", {"expiresIn": 29})
    await all_received(client, socket)
    (await calls.get()).set_result("second")
    assert (await socket.receive("auth")).values() == ["second"]
    assert calls.empty()


async def test_a_new_token_replaces_one_that_is_being_rejected(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: both calls failed because of the first token; the second was not tried."""
    first = asyncio.create_task(client.connect("wrong"))
    socket = await peer.next_socket()
    second = asyncio.create_task(client.connect("right"))
    await socket.is_over.wait()
    socket = await (await peer.next_socket()).accept()
    await asyncio.gather(first, second)
    assert socket.auth["token"] == "right"
    assert client.is_connected


async def test_a_new_token_replaces_one_that_is_being_accepted(
    client: WebSocketClient, peer: Peer
) -> None:
    """Regression: `connect` returned with a connection of the other user."""
    first = asyncio.create_task(client.connect("ada"))
    socket = await (await peer.next_socket()).accept()
    second = asyncio.create_task(client.connect("bob"))
    await socket.is_over.wait()
    socket = await (await peer.next_socket()).accept(user="bob")
    await asyncio.gather(first, second)
    assert socket.auth["token"] == "bob"
    assert client.user_id == "bob"


async def test_a_new_provider_replaces_one_that_hangs(client: WebSocketClient, peer: Peer) -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    first = asyncio.create_task(client.connect(hang))
    await asyncio.sleep(0)
    second = asyncio.create_task(client.connect(lambda: "new"))
    socket = await (await peer.next_socket()).accept()
    await asyncio.gather(first, second)
    assert socket.auth["token"] == "new"


async def test_a_notice_that_comes_with_the_answer_is_about_the_new_token(
    peer: Peer, clients: Connect
) -> None:
    """Regression: the client ignored it, and the server closed the connection later."""
    calls = 0

    def provide() -> str:
        nonlocal calls
        calls += 1
        return f"token {calls}"

    client = clients(peer.url, token=provide)
    socket = await connected(client, peer)
    await socket.emit("auth_expiring", {"expiresIn": 5})
    for number in (2, 3, 4):
        assert (await socket.receive("auth")).values() == [f"token {number}"]
        await socket.emit("authenticated", {"userId": "ada"})
        await socket.emit("auth_expiring", {"expiresIn": 5})
    assert (await socket.receive("auth")).values() == ["token 5"]


@pytest.mark.parametrize("lifetime", [8, 30, 59])
async def test_a_token_that_expires_soon_after_the_sign_in_is_renewed(
    longwire_clock: ManualClock, lifetime: int
) -> None:
    """Regression: `auth_expiring` came with the sign-in and was ignored."""
    calls = 0

    def provide() -> str:
        nonlocal calls
        calls += 1
        return f"token {calls}"

    def authenticate(_: str) -> Identity:
        return Identity("ada", expires_at=clock.time() + lifetime)

    async with Link(Server(authenticate=authenticate)) as link:
        client = await link.connect(provide)
        states = [client.state]
        client.on_state_change(states.append)
        await longwire_clock.advance(10 * lifetime)
        assert states == [ConnectionState.CONNECTED]
        assert calls >= 10


@pytest.mark.parametrize(
    "order", [("authenticated", "auth_expiring"), ("auth_expiring", "authenticated")]
)
async def test_a_notice_that_arrives_together_with_the_sign_in_renews_the_token(
    order: tuple[str, ...], peer: Peer, clients: Connect
) -> None:
    tokens = iter(("first", "second"))
    client = clients(peer.url, token=lambda: next(tokens))
    connecting = asyncio.create_task(client.connect())
    socket = await peer.next_socket()
    arguments = {
        "authenticated": {"userId": "ada", "rooms": []},
        "auth_expiring": {"expiresIn": 1},
    }
    await socket.accept_with(*((name, arguments[name]) for name in order))
    await connecting
    assert (await socket.receive("auth")).values() == ["second"]
