"""Uvicorn stops: clients are told, and nobody holds it up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.errors import BrokerUnavailable
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import call, events, is_closed, sign_in, websocket
from tests.serving import LANE, PLAIN, serving

SOON = 5.0  # far below the heartbeat's 25 s


class Uvicorn(uvicorn.Server):
    """As `uvicorn app:app` runs it, signals included."""

    def __init__(self, app: Any, ws: str) -> None:
        super().__init__(uvicorn.Config(app, port=0, ws=ws, log_level="warning"))
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        with contextlib.closing(self.config.bind_socket()) as listener:
            serving = asyncio.create_task(self.serve(sockets=[listener]))
            await self.ready.wait()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.should_exit = True
            await asyncio.wait_for(serving, SOON)


@pytest.fixture(params=["mounted beside", "mounted without its lifespan"])
def server_and_app(request: pytest.FixtureRequest) -> tuple[Server, FastAPI]:
    server, app = Server(authenticate=anonymous), FastAPI()
    if request.param == "mounted beside":
        server.mount(app)
    else:
        app.mount("/socket.io", server)
    return server, app


@pytest.mark.parametrize("ws", [LANE, PLAIN], ids=["lane", "asgi"])
async def test_every_client_is_told_when_uvicorn_stops(
    server_and_app: tuple[Server, FastAPI], ws: str
) -> None:
    """Without the lane they were cut off; polls that waited held it up for 25 s, even with it."""
    server, app = server_and_app
    uvicorn = Uvicorn(app, ws)
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(uvicorn.running())
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
        client = await stack.enter_async_context(websocket(url))
        await sign_in(client, "anybody")
        polling = RawPolling(http)
        await polling.sign_in("anybody")
        poll = await polling.start_poll()
        await call(client, "ping")  # what was sent before has arrived, too
        uvicorn.should_exit = True

        [told] = await events(client, "closing")
        assert (told["reason"], told["reconnect"]) == ("server_shutdown", True)
        assert await is_closed(client)
        assert (await poll)[0].startswith('42["closing",{"reason":"server_shutdown"')
    with pytest.raises(BrokerUnavailable, match="not started"):
        await server.broker.position("global")


class BrokerWithoutRooms(MemoryBroker):
    """Cannot say which rooms there are, at first; counts who opens it."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0
        self.is_away = True

    async def start(self, receiver: Any) -> None:
        await super().start(receiver)
        self.opened += 1

    async def close(self) -> None:
        await super().close()
        self.opened -= 1

    async def rooms(self, prefix: str) -> list[str]:
        if self.is_away:
            raise BrokerUnavailable("away")
        return await super().rooms(prefix)


async def test_what_could_not_start_leaves_no_broker_open() -> None:
    """Each try opened it once more: connections leaked, and a file was "in use" by the server."""
    broker = BrokerWithoutRooms()
    server = Server(authenticate=anonymous, broker=broker)
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            await server.start()
        assert broker.opened == 0
    broker.is_away = False
    async with server:
        assert broker.opened == 1


async def test_who_comes_before_the_log_can_be_reached_is_asked_to_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each request was an exception in the server's log, and status 500."""
    broker = BrokerWithoutRooms()
    app = Server(authenticate=anonymous, broker=broker).wrap(FastAPI())
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        polling = RawPolling(http)
        refused = await polling.get()
        with pytest.raises(InvalidStatus, match="503"):
            async with websocket(url):
                pass
        broker.is_away = False
        await polling.sign_in("anybody")
    assert (refused.status_code, refused.json()["code"]) == (503, 3)
    assert "away" in caplog.text
    assert "Traceback" not in caplog.text
