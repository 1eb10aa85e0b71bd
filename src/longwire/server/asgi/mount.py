"""Adds a server to a Starlette or FastAPI application and its lifespan."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from longwire.errors import BrokerUnavailable
from longwire.server.asgi.app import SocketIOApp, with_fallback
from longwire.server.errors import report
from longwire.server.scope import ASGIApp, Message, Receive, Scope, Send


class Mountable(Protocol):
    """A Starlette or FastAPI application."""

    router: Any

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Add a middleware."""
        ...


Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


def mount(app: Mountable, socketio: SocketIOApp, run: Lifespan) -> None:
    """Serve `socketio` as a middleware of `app`; run the server within the lifespan of `app`."""
    app.add_middleware(_Middleware, socketio=socketio)
    inner: Callable[[Any], AbstractAsyncContextManager[Any]] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        async with inner(app) as state, run(app):
            yield state

    app.router.lifespan_context = lifespan


def wrap(
    app: ASGIApp, socketio: SocketIOApp, server: AbstractAsyncContextManager[object]
) -> ASGIApp:
    """Serve `socketio` in front of `app`; run the server within the lifespan of `app`."""
    dispatch = with_fallback(socketio, app)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _serve_within_lifespan(app, server, scope, receive, send)
        else:
            await dispatch(scope, receive, send)

    return wrapped


async def _serve_within_lifespan(
    app: ASGIApp,
    server: AbstractAsyncContextManager[object],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    async def receive_for_app() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await server.__aexit__(None, None, None)
        return message

    async def send_for_app(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            try:
                await server.__aenter__()
            except BrokerUnavailable as error:
                report(error)  # the application works without its log; requests to us get 503
            except Exception as error:
                message = {"type": "lifespan.startup.failed", "message": str(error)}
        await send(message)

    await app(scope, receive_for_app, send_for_app)


class _Middleware:
    """Serves Socket.IO's path and passes every other request to the application."""

    def __init__(self, app: ASGIApp, socketio: SocketIOApp) -> None:
        self._dispatch = with_fallback(socketio, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._dispatch(scope, receive, send)


async def serve_lifespan(run: Lifespan, receive: Receive, send: Send) -> None:
    """Run the server in the ASGI lifespan of its own, without another application."""
    running = run(None)
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await running.__aenter__()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await running.__aexit__(None, None, None)
            await send({"type": "lifespan.shutdown.complete"})
            return
