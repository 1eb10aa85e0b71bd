"""Adds the admin interface to an application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from longwire.admin.access import Access, Authorize
from longwire.admin.actions import Actions
from longwire.admin.answers import Answers
from longwire.admin.page import AdminPage
from longwire.admin.rooms import Redact, hide
from longwire.admin.routes import Api
from longwire.errors import ConfigurationError, needing
from longwire.server import Server

with needing("fastapi"):
    from starlette.requests import Request
    from starlette.responses import RedirectResponse, Response
    from starlette.routing import Mount, Route


class Mountable(Protocol):
    """A Starlette or FastAPI application."""

    router: Any


def mount(
    app: Mountable,
    server: Server,
    path: str = "/_longwire",
    authorize: Authorize | None = None,
    allow_actions: bool = False,
    *,
    redact: Redact = hide,
) -> None:
    """Add the admin interface to a FastAPI or Starlette application, within its lifespan.

    The JSON is below `path`/api. The page at `path` has no data of its own, so its files need no
    credentials; it asks for a token and sends it with each request for data.

    Call it on every node: nodes without it are shown as missing.

    Args:
        app: the application.
        server: the server, which may be mounted before or afterwards.
        path: where to add the interface.
        authorize: decides about every request; see `Authorize`. `only_users` makes one.
        allow_actions: whether operators may disconnect, revoke, announce and cancel. Each action
            is recorded with the operator's name.
        redact: what operators see of the payloads in rooms, given the room, the event and the
            payload. By default nothing.

    Raises:
        ConfigurationError: `authorize` is missing, or `path` is not a path.
    """
    if authorize is None:
        raise ConfigurationError(
            "the admin interface needs authorize=…: a function that returns the operator's name "
            "for a request, or longwire.admin.only_users(server, ['ada'])"
        )
    if not path.startswith("/") or path.endswith("/"):
        raise ConfigurationError(f"path must begin with / and not end with it, got {path!r}")
    answers = Answers(server, redact, allow_actions)
    api = Api(
        Access(authorize), answers, Actions(server, allow_actions), server.limits.body_timeout
    )
    # Before the application's own routes, one of which may match every path.
    app.router.routes[:0] = [
        Mount(f"{path}/api", app=api, name="longwire-admin-api"),
        Route(path, _add_slash),
        Mount(path, app=AdminPage(), name="longwire-admin"),
    ]
    inner: Callable[[Any], AbstractAsyncContextManager[Any]] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        async with inner(app) as state:
            answers.start()
            try:
                yield state
            finally:
                await answers.close()

    app.router.lifespan_context = lifespan


async def _add_slash(request: Request) -> Response:
    """Redirect to the page, whose links are relative to its directory."""
    return RedirectResponse(request.url.path.rpartition("/")[2] + "/", 307)
