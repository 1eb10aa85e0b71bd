"""The web page as an ASGI application: its files, and the headers that keep them fresh and safe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from longwire.types import override

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ASSETS: Final = Path(__file__).parent / "static"
"""Where the build of `web/` puts the page; packed into the wheel."""

# The page brings all it needs. Its only traffic is to the server that it came from; the schemes
# are named because some browsers do not take 'self' for a WebSocket.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
# A hashed name never means other content; the index names the hashes and is asked for each time.
IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"

# What the build leaves a compressed twin of.
_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Longwire: the page is not built</title>
<h1>The web page is not built</h1>
<p>This is a source checkout whose web page has not been built yet. The server itself is running:
clients connect, and jobs run.</p>
<p>Build the page with <code>make setup</code> in the checkout, or install a released wheel, which
contains it. Then reload.</p>
</html>
"""


class WebPage(StaticFiles):
    """Serves the built page below any path that it is mounted at.

    Routes within the page live in the fragment of the address, so unknown paths are plain 404s.
    While the page is not built, its address says so, with status 503. The directory is looked at
    on each request: a build is picked up by a running server.
    """

    def __init__(self, directory: str | os.PathLike[str] = ASSETS) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)
        self._root = Path(directory)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; refuse a WebSocket."""
        if scope["type"] != "http":
            # A WebSocket to a path that nothing else took: refused as the ASGI specification
            # asks, by closing it before it was accepted.
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        response = await self._respond(self.get_path(scope), scope)
        response.headers.update(SECURITY_HEADERS)
        await response(scope, receive, send)

    @override
    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return the file, compressed if there is a twin and the client takes it."""
        twin = _gzip_twin(Path(full_path), scope)
        if twin is None:
            response = super().file_response(full_path, stat_result, scope, status_code)
        else:
            response = super().file_response(twin, twin.stat(), scope, status_code)
            response.headers["content-type"] = _CONTENT_TYPES[Path(full_path).suffix]
            response.headers["content-encoding"] = "gzip"
        response.headers["vary"] = "accept-encoding"
        response.headers["cache-control"] = _cache_control(Path(full_path), self._root)
        return response

    async def _respond(self, path: str, scope: Scope) -> Response:
        try:
            return await self.get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and path in (".", "index.html"):
                return HTMLResponse(NOT_BUILT, 503, {"cache-control": "no-store"})
            return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


def _cache_control(path: Path, root: Path) -> str:
    return IMMUTABLE if path.is_relative_to(root.resolve() / "assets") else REVALIDATE


def _gzip_twin(path: Path, scope: Scope) -> Path | None:
    """Return the path of the compressed file if it exists and may be sent."""
    accepted = Headers(scope=scope).get("accept-encoding", "")
    codings = {coding.split(";")[0].strip() for coding in accepted.split(",")}
    if "gzip" not in codings or path.suffix not in _CONTENT_TYPES:
        return None
    twin = path.with_name(path.name + ".gz")
    return twin if twin.is_file() else None
