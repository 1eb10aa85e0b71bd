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
    """Return an application with the server, its HTTP interface and the web page.

    `/socket.io/` and `/api/` belong to the server; `/` is the web page, which shows the jobs of
    the signed-in user. The application runs the server's lifespan, and works at any mount path.

    Args:
        server: the server. Its `allowed_origins` are the origins that may connect to it.
        origins: the origins of other web pages that may use the HTTP interface; `*` allows all.
    """
    # FastAPI's interactive documentation would load scripts from another site.
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

    # As the default instead of a route, so that a wrong method of a route still answers 405.
    app.router.default = rest
    return app
