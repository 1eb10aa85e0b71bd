"""Serves the files of the web page, with caching and security headers."""

import os
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from longwire.types import override

ASSETS: Final = Path(__file__).parent / "static"
"""The build output of `web/`, which is part of the wheel."""

# The page loads nothing from other sites and connects only to its own server. The WebSocket schemes
# are listed because in some browsers 'self' does not include them.
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
# The content of a file with a hash in its name never changes; the index refers to the hashes.
IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"

# The types of files that the build also compresses.
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
<p>This source checkout does not contain a built web page. The server is running: clients can
connect, and jobs can run.</p>
<p>Run <code>make setup</code> in the checkout, or install a released wheel, which contains the
page. Then reload.</p>
</html>
"""


class WebPage(StaticFiles):
    """Serves the built page at any mount path.

    The page's routes are in the URL's fragment, so unknown paths answer 404. If the page is not
    built, the index answers 503 with an explanation. Each request looks at the directory, so a
    running server picks up a new build.
    """

    def __init__(self, directory: str | os.PathLike[str] = ASSETS) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)
        self._root = Path(directory)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to an HTTP request; close a WebSocket."""
        if scope["type"] != "http":
            # No route matches the WebSocket's path. In ASGI, closing it before it is accepted
            # rejects it with 403.
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
        """Return the file, compressed if the client accepts it and the build has compressed it."""
        compressed = _find_gzip(Path(full_path), scope)
        if compressed is None:
            response = super().file_response(full_path, stat_result, scope, status_code)
        else:
            response = super().file_response(compressed, compressed.stat(), scope, status_code)
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


def _find_gzip(path: Path, scope: Scope) -> Path | None:
    """Return the compressed file if it exists and the client accepts it."""
    accepted = Headers(scope=scope).get("accept-encoding", "")
    codings = {coding.split(";")[0].strip() for coding in accepted.split(",")}
    if "gzip" not in codings or path.suffix not in _CONTENT_TYPES:
        return None
    compressed = path.with_name(path.name + ".gz")
    return compressed if compressed.is_file() else None
