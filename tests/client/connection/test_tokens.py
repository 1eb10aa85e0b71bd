"""Providers of tokens that misbehave, and tokens that are replaced while they are used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.client import ConnectionState
from longwire.errors import AuthenticationError, NotConnected
from tests.client.conftest import Connect
from tests.client.peer import Peer, all_received, connected


async def test_a_provider_that_hangs_once_is_asked_again(peer: Peer, clients: Connect) -> None:
    """Every later attempt waited for the first question's answer."""
    asked = 0

    async def provide() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.Event().wait()
        return f"token {asked}"

    client = clients(peer.url, token=provide, timeout=0.1)
    with pytest.raises(NotConnected, match=r"no token from its provider within 0\.1 s"):
        await client.connect()
    client = clients(peer.url, token=provide)
    visit = await connected(client, peer)
    assert visit.auth["token"] == "token 2"


async def cancelled() -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("provider", "said"),
    [(cancelled, "was cancelled"), (lambda: 5, "returned int, not str")],
    ids=["cancelled", "another type"],
)
async def test_a_provider_that_gives_no_token_ends_the_attempt(
    clients: Connect, peer: Peer, provider: Any, said: str
) -> None:
    """A cancelled one ended the client without a word, which left `connect` waiting for ever."""
    client = clients(peer.url, token=provider)
    with pytest.raises(AuthenticationError, match=said):
        await asyncio.wait_for(client.connect(), 2)
    assert client.state is ConnectionState.ERROR


@pytest.mark.parametrize("failure", [TimeoutError, ConnectionError, FileNotFoundError])
async def test_a_providers_own_trouble_is_not_told_as_the_servers(
    clients: Connect, peer: Peer, failure: type[OSError]
) -> None:
    """It was told as the server's, a timeout as that of the whole attempt."""

    def provide() -> str:
        raise failure("at auth.example")

    client = clients(peer.url, token=provide, timeout=0.05)
    with pytest.raises(NotConnected, match=r"^no token from its provider: at auth\.example$"):
        await client.connect()


async def test_a_provider_is_asked_once_for_all_who_ask_at_the_same_time(
    peer: Peer, clients: Connect
) -> None:
    asked: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()

    async def provide() -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asked.put_nowait(answer)
        return await answer

    client = clients(peer.url, token=provide)
    connecting = asyncio.gather(client.connect(), client.connect())
    (await asked.get()).set_result("first")
    visit = await (await peer.visit()).accept()
    await connecting
    await visit.emit("auth_expiring", {"expiresIn": 30})
    await visit.emit("auth_expiring", {"expiresIn": 29})
    await all_received(client, visit)
    (await asked.get()).set_result("second")
    assert (await visit.receive("auth")).values() == ["second"]
    assert asked.empty()


async def test_another_token_replaces_the_one_that_is_being_refused(
    client: WebSocketClient, peer: Peer
) -> None:
    """Both calls failed by the first token, and the second was never tried."""
    first = asyncio.create_task(client.connect("wrong"))
    visit = await peer.visit()
    second = asyncio.create_task(client.connect("right"))
    await visit.is_over.wait()
    visit = await (await peer.visit()).accept()
    await asyncio.gather(first, second)
    assert visit.auth["token"] == "right"
    assert client.is_connected


async def test_another_token_replaces_the_one_that_is_being_accepted(
    client: WebSocketClient, peer: Peer
) -> None:
    """The caller was told that it was connected, as somebody else."""
    first = asyncio.create_task(client.connect("ada"))
    visit = await (await peer.visit()).accept()
    second = asyncio.create_task(client.connect("bob"))
    await visit.is_over.wait()
    visit = await (await peer.visit()).accept(user="bob")
    await asyncio.gather(first, second)
    assert visit.auth["token"] == "bob"
    assert client.user_id == "bob"


async def test_another_provider_is_asked_although_the_old_one_hangs(
    client: WebSocketClient, peer: Peer
) -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    first = asyncio.create_task(client.connect(hang))
    await asyncio.sleep(0)
    second = asyncio.create_task(client.connect(lambda: "new"))
    visit = await (await peer.visit()).accept()
    await asyncio.gather(first, second)
    assert visit.auth["token"] == "new"
