"""A server mounted in applications, and its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from longwire import Server, anonymous
from longwire.server.scope import ASGIApp
from tests.server.raw_websocket import receive, sign_in, websocket
from tests.serving import serving


def server() -> Server:
    return Server(authenticate=anonymous)


async def hello(request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


def beside_fastapi() -> tuple[ASGIApp, str]:
    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    server().mount(app)
    return app, ""


def beside_starlette() -> tuple[ASGIApp, str]:
    app = Starlette(routes=[Route("/hello", hello)])
    server().mount(app)
    return app, ""


def mounted_below_a_path() -> tuple[ASGIApp, str]:
    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    app.mount("/ws", server())
    return app, "/ws"


def mounted_at_its_own_path() -> tuple[ASGIApp, str]:
    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    app.mount("/socket.io", server())
    return app, ""


def wrapped_around() -> tuple[ASGIApp, str]:
    return server().wrap(Starlette(routes=[Route("/hello", hello)])), ""


@pytest.mark.parametrize(
    "build",
    [
        beside_fastapi,
        beside_starlette,
        mounted_below_a_path,
        mounted_at_its_own_path,
        wrapped_around,
    ],
)
async def test_polling_websocket_and_the_application_all_respond(build) -> None:
    app, prefix = build()
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        websocket(url + prefix) as connection,
    ):
        opened = await http.get(f"{prefix}/socket.io/?EIO=4&transport=polling")
        assert (opened.status_code, opened.text[:2]) == (200, "0{")
        assert "hello" in (await http.get("/hello")).text
        await sign_in(connection, "")


async def test_a_standalone_server_works_below_a_root_path() -> None:
    async with (
        serving(server(), root_path="/api/v1") as url,
        websocket(url) as connection,
    ):
        assert str(await receive(connection)).startswith("0{")


async def test_the_applications_lifespan_encloses_that_of_the_server() -> None:
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        order.append("app starts")
        yield
        order.append("app stops")

    class Broker(type(server().broker)):  # type: ignore[misc]
        async def start(self, receiver: object) -> None:
            order.append("broker starts")
            await super().start(receiver)

        async def close(self) -> None:
            order.append("broker stops")
            await super().close()

    app = FastAPI(lifespan=lifespan)
    Server(authenticate=anonymous, broker=Broker()).mount(app)
    async with serving(app):
        pass
    assert order == ["app starts", "broker starts", "broker stops", "app stops"]


async def test_cors_headers_are_not_sent_twice_beside_a_cors_middleware() -> None:
    app = FastAPI()
    origin = "http://localhost:3000"
    Server(authenticate=anonymous, allowed_origins=[origin]).mount(app)
    app.add_middleware(CORSMiddleware, allow_origins=[origin], allow_credentials=True)
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        answer = await http.get("/socket.io/?EIO=4&transport=polling", headers={"origin": origin})
    assert answer.headers.get_list("access-control-allow-origin") == [origin]


async def test_a_wrapped_application_closes_the_server_when_it_stops() -> None:
    """Regression: only uvicorn closed it, although the lifespan passes through `wrap`."""
    stopped: list[str] = []

    class Broker(type(server().broker)):  # type: ignore[misc]
        async def close(self) -> None:
            stopped.append("broker")
            await super().close()

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        yield
        stopped.append("application")

    app = Server(authenticate=anonymous, broker=Broker()).wrap(FastAPI(lifespan=lifespan))
    messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    answers: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    running = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, messages.get, answers.put)
    )
    await messages.put({"type": "lifespan.startup"})
    assert (await answers.get())["type"] == "lifespan.startup.complete"
    await messages.put({"type": "lifespan.shutdown"})
    assert (await answers.get())["type"] == "lifespan.shutdown.complete"
    await running
    assert stopped == ["broker", "application"]
