"""How a server finds its place beside an application, and in its lifespan."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

from longwire.server.asgi.app import Application, beside

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from longwire.server.scope import ASGIApp, Receive, Scope, Send


class Mountable(Protocol):
    """A Starlette or FastAPI application."""

    router: Any

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Wrap the application."""
        ...


class Startable(Protocol):
    """A server, as its surroundings start and stop it."""

    async def start(self) -> None:
        """Begin to serve."""
        ...

    async def close(self) -> None:
        """End every session."""
        ...

    async def __aenter__(self) -> Self:
        """Start."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        ...


def mount(app: Mountable, application: Application, server: Startable) -> None:
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


async def serve_lifespan(server: Startable, receive: Receive, send: Send) -> None:
    """Serve ASGI's lifespan for a server that stands alone."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await server.start()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await server.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
