"""The shutdown of uvicorn: clients receive the reason, and pending polls do not delay it."""

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
    """Runs like `uvicorn app:app`, signals included."""

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
async def test_every_client_receives_the_reason_when_uvicorn_stops(
    server_and_app: tuple[Server, FastAPI], ws: str
) -> None:
    """Without the lane it was not sent, and pending polls delayed the stop by 25 s."""
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
        await call(client, "ping")  # everything sent before has arrived, too
        uvicorn.should_exit = True

        [closing] = await events(client, "closing")
        assert (closing["reason"], closing["reconnect"]) == ("server_shutdown", True)
        assert await is_closed(client)
        assert (await poll)[0].startswith('42["closing",{"reason":"server_shutdown"')
    with pytest.raises(BrokerUnavailable, match="not started"):
        await server.broker.position("global")


class BrokerWithoutRooms(MemoryBroker):
    """Cannot list its rooms at first; counts how often it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0
        self.is_unavailable = True

    async def start(self, receiver: Any) -> None:
        await super().start(receiver)
        self.opened += 1

    async def close(self) -> None:
        await super().close()
        self.opened -= 1

    async def rooms(self, prefix: str) -> list[str]:
        if self.is_unavailable:
            raise BrokerUnavailable("no connection")
        return await super().rooms(prefix)


async def test_a_failed_start_leaves_no_broker_open() -> None:
    """Each attempt opened it again: connections leaked, and a file was in use by the server."""
    broker = BrokerWithoutRooms()
    server = Server(authenticate=anonymous, broker=broker)
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            await server.start()
        assert broker.opened == 0
    broker.is_unavailable = False
    async with server:
        assert broker.opened == 1


async def test_requests_get_503_until_the_log_can_be_reached(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each request logged an exception and got status 500."""
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
        broker.is_unavailable = False
        await polling.sign_in("anybody")
    assert (refused.status_code, refused.json()["code"]) == (503, 3)
    assert "no connection" in caplog.text
    assert "Traceback" not in caplog.text
