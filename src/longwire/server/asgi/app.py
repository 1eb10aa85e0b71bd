"""The ASGI application: routes requests to their sessions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from longwire.engineio.errors import BAD_REQUEST, FORBIDDEN, UNKNOWN_SESSION, RequestError
from longwire.engineio.query import Query, parse_query
from longwire.engineio.server import Options
from longwire.engineio.state import Transport
from longwire.errors import BrokerUnavailable
from longwire.server.access.origin import OriginPolicy
from longwire.server.asgi.polling import BodyLimits, send_error, serve_poll, serve_post
from longwire.server.asgi.websocket import serve_websocket
from longwire.server.clients.sessions import Sessions
from longwire.server.errors import TooManySessions, report
from longwire.server.limits import Limits
from longwire.server.scope import (
    ASGIApp,
    Receive,
    Scope,
    Send,
    remote_address,
    request_headers,
    route_path,
    send_response,
)
from longwire.server.session.session import Session
from longwire.server.session.writer import Writer
from longwire.server.uvicorn.lane import Lane, LaneHost, serve_lane
from longwire.websocket.decoder import FrameDecoder

UNAVAILABLE = RequestError(3, "The server is not ready, or shutting down", 503)
TOO_MANY_SESSIONS = RequestError(3, "Too many sessions", 503)


@dataclass(eq=False, repr=False)
class SocketIOApp:
    """Serves Engine.IO at `/socket.io/` below its mount point; other paths are not found.

    Args:
        sessions: the sessions of this node.
        origins: decides which pages may connect.
        options: options of Engine.IO.
        limits: the timeouts for slow clients.
        is_ready: awaited before each request; starts the server if its lifespan does not run,
            and returns False once it is closed.
    """

    _sessions: Sessions
    _origins: OriginPolicy
    _options: Options
    _limits: Limits
    _is_ready: Callable[[], Awaitable[bool]]

    @staticmethod
    def serves(scope: Scope) -> bool:
        """Return whether the path is Socket.IO's, with or without a trailing slash."""
        path = route_path(scope)
        if path.rstrip("/") == "/socket.io":
            return True
        mounted_at_path = scope.get("root_path", "").rstrip("/").endswith("/socket.io")
        return mounted_at_path and path in ("", "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or WebSocket."""
        if not self.serves(scope):
            await _not_found(scope, receive, send)
            return
        is_ready = await self._starts()
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, is_ready)
        elif not is_ready:
            await send_error(send, UNAVAILABLE, ())
        else:
            await self._http(scope, receive, send)

    async def _starts(self) -> bool:
        try:
            return await self._is_ready()
        except BrokerUnavailable as error:
            report(error)
            return False

    # HTTP

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = request_headers(scope)
        scheme = scope.get("scheme", "http")
        if not self._origins.allows(headers, scheme):
            await send_error(send, FORBIDDEN, ())
            return
        cors = self._origins.response_headers(headers, scheme)
        if scope["method"] == "OPTIONS":
            await send_response(send, 204, b"", [*cors, *_PREFLIGHT])
            return
        query = parse_query(scope["query_string"].decode("latin-1"), method=scope["method"])
        session = self._resolve(query, remote_address(scope))
        if isinstance(session, RequestError):
            await send_error(send, session, cors)
        elif scope["method"] == "POST":
            limits = BodyLimits(self._options.max_payload, self._limits.body_timeout)
            await serve_post(session, scope, receive, send, cors, limits, self._rejection)
        else:
            await serve_poll(session, receive, send, cors, self._rejection)

    def _rejection(self) -> RequestError:
        """Return the answer to a request for a session that does not take it.

        While the server drains, it closes sessions under requests that are valid.
        """
        return UNAVAILABLE if self._sessions.is_draining else BAD_REQUEST

    def _resolve(self, query: Query | RequestError, remote: str) -> Session | RequestError:
        """Return the session of a polling request, or a new one if the request names none."""
        if isinstance(query, RequestError):
            return query
        if query.sid is None:
            return self._open("polling", remote)
        session = self._sessions.get(query.sid)
        if session is None:
            return self._unknown(query.sid)
        return BAD_REQUEST if session.engine.transport == "websocket" else session

    def _unknown(self, sid: str) -> RequestError:
        self._sessions.receive_unknown(sid)
        return UNAVAILABLE if self._sessions.is_draining else UNKNOWN_SESSION

    def _open(self, transport: Transport, remote: str) -> Session | RequestError:
        if self._sessions.is_draining:
            return UNAVAILABLE
        try:
            return self._sessions.open(transport, remote)
        except TooManySessions:
            return TOO_MANY_SESSIONS

    # WebSocket

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, is_ready: bool) -> None:
        lane_host: LaneHost | None = scope.get("extensions", {}).get("longwire.lane")
        query = self._check_websocket(scope) if is_ready else UNAVAILABLE
        if isinstance(query, RequestError):
            if lane_host is not None:
                lane_host.refuse(query)
            else:
                await _deny(scope, receive, send, query)
            return
        sid, remote = query.sid, remote_address(scope)

        def attach(writer: Writer) -> Session | None:
            session = self._sessions.get(sid) if sid else self._open("websocket", remote)
            if not isinstance(session, Session):
                return None
            if sid:
                return session if session.open_probe(writer) else None
            session.open_websocket(writer)
            return session

        if lane_host is not None:
            decoder = FrameDecoder("server", self._options.max_payload)
            lane = Lane(decoder, self._limits.close_timeout)
            serve_lane(attach, lane_host, lane)
        else:
            # Applications offer one for their own purposes; browsers then insist on an answer.
            subprotocol = next(iter(scope.get("subprotocols") or ()), None)
            await serve_websocket(attach, receive, send, self._limits.close_timeout, subprotocol)

    def _check_websocket(self, scope: Scope) -> Query | RequestError:
        if not self._origins.allows(request_headers(scope), scope.get("scheme", "ws")):
            return FORBIDDEN
        query = parse_query(scope["query_string"].decode("latin-1"), websocket=True)
        if isinstance(query, Query) and query.sid is not None:
            session = self._sessions.get(query.sid)
            # A session that has a WebSocket already rejects another one after it is accepted.
            if session is None:
                return self._unknown(query.sid)
        if isinstance(query, Query) and query.sid is None and self._sessions.is_draining:
            return UNAVAILABLE
        return query


_PREFLIGHT = (
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "content-type, authorization"),
    ("access-control-max-age", "600"),
)


def with_fallback(app: SocketIOApp, fallback: ASGIApp) -> ASGIApp:
    """Return an ASGI application that serves Socket.IO's path and passes the rest on."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        served = scope["type"] in ("http", "websocket") and app.serves(scope)
        await (app if served else fallback)(scope, receive, send)

    return dispatch


async def _deny(scope: Scope, receive: Receive, send: Send, error: RequestError) -> None:
    """Reject a WebSocket before it is accepted, with an HTTP response if the server allows it."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.message})
        return
    headers = [(name.encode(), value.encode()) for name, value in error.headers]
    start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": error.body})


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send_response(send, 404, b"Not Found", [("content-type", "text/plain; charset=UTF-8")])
