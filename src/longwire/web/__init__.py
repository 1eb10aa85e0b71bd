"""The web page that ships with Longwire, and the application that `longwire serve` runs."""

from collections.abc import Collection

from longwire.errors import needing
from longwire.server import Server
from longwire.server.scope import route_path

with needing("fastapi"):
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware
    from starlette.exceptions import HTTPException
    from starlette.types import Receive, Scope, Send

from longwire.integrations.fastapi import explain, mount
from longwire.web.static_files import ASSETS, WebPage

__all__ = ["ASSETS", "WebPage", "create_app"]


def create_app(server: Server, origins: Collection[str] = ()) -> FastAPI:
    """Return the whole of Longwire as one application, with the server's lifespan.

    `/socket.io/` and the HTTP interface are the server's; `/` is the web page, which shows the
    jobs of whoever signs in. Works below any path that it is mounted at: the page looks for the
    server beside itself.

    Args:
        server: whose `allowed_origins` say which other pages may connect.
        origins: of web pages elsewhere that may use the HTTP interface; `*` for all.
    """
    # The interactive documentation of FastAPI loads scripts from elsewhere.
    app = FastAPI(title="Longwire", docs_url=None, redoc_url=None, openapi_url=None)
    mount(app, server)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[origin.rstrip("/") for origin in origins],
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_exception_handler(HTTPException, explain)
    page = WebPage()

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and route_path(scope).startswith("/api/"):
            raise HTTPException(404)
        await page(scope, receive, send)

    # As the default and not as a route, the page never hides that a route lacks a method.
    app.router.default = rest
    return app
