"""How a server finds its place beside an application, and in its lifespan."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from longwire.server.asgi.app import Application, beside

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from longwire.server.scope import ASGIApp, Receive, Scope, Send


class Mountable(Protocol):
    """A Starlette or FastAPI application."""

    router: Any

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Wrap the application."""
        ...


def mount(
    app: Mountable, application: Application, server: AbstractAsyncContextManager[object]
) -> None:
    """Serve `application` beside `app`, and start and stop the server within its lifespan."""
    app.add_middleware(_Beside, application=application)
    inner: Callable[[Any], AbstractAsyncContextManager[Any]] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        async with inner(app) as state, server:
            yield state

    app.router.lifespan_context = lifespan


class _Beside:
    """Middleware: Socket.IO's path to the server, everything else to the application."""

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._dispatch = beside(application, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._dispatch(scope, receive, send)


async def serve_lifespan(
    server: AbstractAsyncContextManager[object], receive: Receive, send: Send
) -> None:
    """Serve ASGI's lifespan for a server that stands alone."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await server.__aenter__()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await server.__aexit__(None, None, None)
            await send({"type": "lifespan.shutdown.complete"})
            return
