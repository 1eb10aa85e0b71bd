"""`Link`: a real server and real clients over connections in memory."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.catalog import Announcement, JobCancel, JobCreated, JobLease, JobOutput, JobProgress
from longwire.client import ConnectionState
from longwire.errors import (
    ConfigurationError,
    ConnectionRefused,
    NotConnected,
    RoomDenied,
)
from longwire.integrations.fastapi import mount
from longwire.server import Identity, Socket
from longwire.testing import History, Link, ManualClock, authenticate_by_name
from tests.serving import SECRET

CONNECTED, RECONNECTING = ConnectionState.CONNECTED, ConnectionState.RECONNECTING


@pytest.fixture
def server() -> Server:
    return Server(authenticate=authenticate_by_name, shared_jobs=True)


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    with ManualClock(patience=0.2) as clock:
        yield clock


@pytest.fixture
async def link(server: Server, clock: ManualClock) -> AsyncIterator[Link]:
    async with Link(server) as link:
        yield link


def collect(client: WebSocketClient, event: Any) -> list[Any]:
    """Return a list that receives the client's events from now on."""
    received: list[Any] = []
    client.on(event, received.append)
    return received


def progress(percent: float) -> JobProgress:
    return JobProgress(job_id="1", progress=percent, current_step="writing")


async def test_clients_of_different_users_and_services(link: Link, clock: ManualClock) -> None:
    ada, bob = await link.connect("ada"), await link.connect("bob")
    reports = await link.connect("service:reports")
    assert [client.user_id for client in (ada, bob, reports)] == ["ada", "bob", "reports"]
    assert {socket.identity.service for socket in link.server.sockets} == {False, True}
    received = collect(ada, JobProgress), collect(bob, JobProgress)
    await ada.join_room("job:1")

    await reports.publish(progress(42))
    await clock.settle()

    assert [[event.progress for event in events] for events in received] == [[42], []]
    with pytest.raises(RoomDenied):
        await bob.join_room("user:ada")


async def test_rejects_an_empty_name(link: Link) -> None:
    with pytest.raises(ConnectionRefused):
        await link.connect("service:")


async def test_a_handler_acknowledges_a_call(link: Link, server: Server) -> None:
    @server.on("hello")
    async def greet(args: list[Any], socket: Socket) -> str:
        return f"hello {socket.identity.user_id}, {args[0]}"

    ada = await link.connect("ada")

    assert await ada.call("hello", b"\x00\x01") == "hello ada, b'\\x00\\x01'"


async def test_a_cut_connection_reconnects_within_its_delay(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    states = list[str]()
    ada.on_state_change(states.append)
    received = collect(ada, JobOutput)
    await ada.join_room("job:1")

    link.cut(ada)
    await clock.settle()
    assert (states, link.server.sockets) == (["reconnecting"], [])
    for text in "abc":
        await link.server.publish(JobOutput(job_id="1", chunk=text))
    await clock.advance(1)

    assert states == ["reconnecting", "connected"]
    assert "".join(event.chunk for event in received) == "abc"


async def test_a_seed_makes_the_backoff_reproducible(link: Link, clock: ManualClock) -> None:
    async def record_reconnects() -> list[float]:
        random.seed(42)
        ada = await link.connect("ada")
        began, returned = clock.monotonic(), list[float]()
        ada.on("reconnect", lambda _: returned.append(round(clock.monotonic() - began, 6)))
        for _ in range(5):
            link.cut(ada)
            await clock.advance(30)
        await ada.disconnect()
        return returned

    first, again = await record_reconnects(), await record_reconnects()

    assert first == again
    assert len(first) == 5


async def test_cuts_only_the_given_client(link: Link, clock: ManualClock) -> None:
    ada, bob = await link.connect("ada"), await link.connect("bob")
    link.cut(bob)
    await clock.settle()
    assert (ada.state, bob.state) == (CONNECTED, RECONNECTING)


async def test_clients_reconnect_after_the_server_was_down(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    attempts = list[int]()
    ada.on("reconnect_attempt", attempts.append)

    link.refuse()
    link.cut()
    await clock.advance(120)
    assert ada.state is RECONNECTING
    assert len(attempts) > 4
    assert isinstance(ada.error, NotConnected)
    late = link.client("bob", reconnection=False)
    with pytest.raises(NotConnected, match="refuses connections"):
        await late.connect()
    link.accept()
    await clock.advance(ada.options.reconnection_delay_max)

    assert ada.is_connected
    await late.connect()


async def test_the_heartbeat_detects_a_dead_link(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    await clock.advance(3600)
    assert ada.is_connected, "an hour of heartbeats"

    link.freeze(ada)
    await clock.advance(19)
    assert ada.state is CONNECTED, "a pong may take twenty seconds"
    await clock.advance(27)
    assert ada.state is RECONNECTING
    assert link.server.sockets == []

    link.thaw(ada)
    await clock.advance(30)
    assert ada.is_connected
    assert len(link.server.sockets) == 1


async def test_thaw_delivers_what_was_held_back(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    received = collect(ada, Announcement)
    link.freeze()
    await link.server.publish(Announcement(message="hello", level="info"))
    await clock.advance(10)
    assert received == []
    assert ada.is_connected

    link.thaw()
    await clock.settle()

    assert [event.message for event in received] == ["hello"]


async def test_connecting_over_a_frozen_link_waits(link: Link, clock: ManualClock) -> None:
    link.freeze()
    ada = link.client("ada")
    connecting = asyncio.create_task(ada.connect())
    await clock.advance(10)
    assert ada.state is ConnectionState.CONNECTING
    link.thaw()
    await connecting
    assert ada.is_connected


async def test_a_frozen_link_closes_with_its_block(server: Server, clock: ManualClock) -> None:
    async with Link(server) as link:
        ada, bob = await link.connect("ada"), await link.connect("bob")
        link.freeze()
        link.freeze(bob)
        await ada.emit("ping")
    assert ada.state is bob.state is ConnectionState.DISCONNECTED
    assert server.sockets == []


async def test_a_slow_reader_catches_up(link: Link, clock: ManualClock) -> None:
    history = History()
    ada = await link.connect("ada")
    history.reader("ada").follow(ada, "job:1")
    await ada.join_room("job:1")

    link.freeze(ada)
    for number in range(500):
        await history.publish(link.server, JobOutput(job_id="1", chunk=f"{number} " * 100))
        await clock.settle()
    link.thaw(ada)
    await history.caught_up()

    assert history.check().applied < 500, "frames were merged"


async def test_a_job_fails_when_its_lease_expires(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    async with ada.job("1") as watched:
        await link.server.publish(JobCreated(job_id="1", owner="ada"))
        await link.server.publish(JobLease(job_id="1", expires_in=60))

        await clock.advance(59)
        assert not watched.state.is_complete
        await clock.advance(2)

        assert (watched.state.status, watched.state.error_code) == ("failed", "worker_lost")


async def test_token_expiry_follows_the_clock(clock: ManualClock) -> None:
    server = Server(authenticate=jwt_authenticator(SECRET))
    async with Link(server) as link:
        once = await link.connect(issue_token(SECRET, "ada", ttl=300))
        renewing = await link.connect(lambda: issue_token(SECRET, "bob", ttl=300))
        drops = collect(renewing, "disconnect")

        await clock.advance(3600)

        assert once.state is ConnectionState.ERROR
        assert "expired" in str(once.error)
        assert (renewing.is_connected, drops) == (True, [])
        with pytest.raises(ConnectionRefused, match="expired"):
            await link.connect(issue_token(SECRET, "ada", ttl=-1))


async def test_throttled_handlers_follow_the_clock(link: Link, clock: ManualClock) -> None:
    ada = await link.connect("ada")
    received: list[float] = []
    ada.on(JobProgress, lambda event: received.append(event.progress), throttle=10)
    await ada.join_room("job:1")
    for percent in (1, 2, 3):
        await link.server.publish(progress(percent))
    await clock.settle()
    assert received == [1]
    await clock.advance(10)
    assert received == [1, 3]


async def test_a_link_works_with_the_real_clock(server: Server) -> None:
    async with Link(server) as link:
        ada = await link.connect("ada", reconnection_delay=0.01)
        back = asyncio.Event()
        ada.on("reconnect", lambda _: back.set())
        link.cut()
        await back.wait()
        assert ada.is_connected


async def test_options_connect_a_client_created_elsewhere(link: Link) -> None:
    options = link.options(url="http://example.test", headers={"x-team": "blue"})
    async with WebSocketClient.from_options(options, token="ada") as client:
        assert client.user_id == "ada"
        link.cut(client)
    with pytest.raises(ConfigurationError, match="does not belong to this Link"):
        link.cut(WebSocketClient("http://elsewhere.test"))


async def test_the_server_starts_and_closes_with_the_block(server: Server) -> None:
    async with Link(server) as link:
        ada = await link.connect("ada")
        closing = collect(ada, "closing")
        await server.close()
        with pytest.raises(NotConnected, match="503"):
            await link.connect("bob", reconnection=False)
    [advice] = closing
    assert advice["reason"] == "server_shutdown"


# Applications


async def test_includes_the_applications_middleware(clock: ManualClock) -> None:
    async def by_name(token: str) -> Identity:
        return Identity(token)

    app, server = FastAPI(), Server(authenticate=by_name)
    mount(app, server)
    seen: list[dict[str, str]] = []

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen.append(headers)
        if headers.get("x-team") == "red":
            await send({"type": "websocket.http.response.start", "status": 429, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"too many"})
            return
        await app(scope, receive, send)

    async with Link(server, app=middleware) as link:
        ada = await link.connect("ada", headers={"X-Team": "blue"})
        assert ada.user_id == "ada"
        with pytest.raises(NotConnected, match="HTTP 429: too many"):
            await link.connect("bob", headers={"X-Team": "red"}, reconnection=False)
    assert [headers["x-team"] for headers in seen] == ["blue", "red"]
    assert seen[0]["host"] == "longwire.test"


async def test_reports_other_applications_and_their_errors(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()

    @app.websocket("/chat/socket.io/")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    @app.websocket("/broken/socket.io/")
    async def broken(websocket: WebSocket) -> None:
        raise RuntimeError("the database is down")

    async with Link(Server(authenticate=authenticate_by_name), app=app) as link:
        for path, message in [
            ("/nowhere", "HTTP 403"),
            ("/chat/socket.io/", "another application"),
            ("/broken/socket.io/", "HTTP 500"),
        ]:
            with pytest.raises(NotConnected, match=message):
                await link.connect("ada", path=path, reconnection=False)
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the application failed" in record.message


async def test_cancelling_a_job_over_a_link(link: Link, clock: ManualClock) -> None:
    worker, ada = await link.connect("service:worker"), await link.connect("ada")
    async with worker.start_job(owner="ada") as job:
        await job.progress(1, "Waiting")
        await ada.call(JobCancel(job_id=job.id, reason="enough"))
        await asyncio.sleep(60)
    state = await link.server.job_state(job.id)
    assert state is not None
    assert state.status == "cancelled"
