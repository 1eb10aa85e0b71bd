"""Runs a Longwire server in this process, for `serve`, `demo` and `run` without a server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from longwire.broker import open_broker
from longwire.server import Server, is_signed_in
from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Generator

    from longwire.server import Authenticator, Limits

# Longwire's WebSocket lane; it passes other applications' WebSockets on to uvicorn's own class.
LANE: Final = "longwire.server.uvicorn:WebSocketProtocol"
HTTP: Final = "longwire.server.uvicorn:HTTPProtocol"

# Seconds that a stopping server allows open requests to finish, once its clients are gone.
FINISH: Final = 5

_BACKLOG: Final = 2048


class CannotListen(OSError):
    """The server cannot listen on the given address."""


class _Uvicorn(uvicorn.Server):
    """A uvicorn server with a `ready` event, which leaves signal handling to the command."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def make_server(
    broker: str,
    authenticate: Authenticator,
    origins: Collection[str] = (),
    limits: Limits | None = None,
) -> Server:
    """Return a server with the command line's room rules.

    Every signed-in user may join `campaign:*`, `agent:*` and jobs without an owner. Only its owner
    may join a job that has one.

    Args:
        broker: `memory:`, `sqlite:///…` or `redis://…`.
        authenticate: verifies tokens.
        origins: of web pages that may connect, in addition to the server's own.
        limits: limits of the server.

    Raises:
        LongwireError: the broker or an origin is not valid.
    """
    server = Server(
        broker=open_broker(broker),
        authenticate=authenticate,
        shared_jobs=True,
        allowed_origins=origins,
        limits=limits,
    )
    server.rule("campaign:{campaign_id}")(is_signed_in)
    server.rule("agent:{agent_type}")(is_signed_in)
    return server


@asynccontextmanager
async def run_server(
    make: Callable[[int], Server],
    host: str,
    *ports: int,
    origins: Collection[str] = (),
    operators: Collection[str] = (),
) -> AsyncGenerator[tuple[str, Server]]:
    """Serve for the duration of the body, then drain: move every client to another server.

    If the broker cannot be reached yet, the server listens and answers with 503 until it can.

    Args:
        make: returns the server for a requested port, which is 0 for a free one. The HTTP
            interface and the web page are served too.
        host: the address to listen on.
        *ports: ports to try in order; 0 takes a free one.
        origins: of web pages that may use the HTTP interface, in addition to the server's own.
        operators: users who may use the admin interface; without one, there is none.

    Yields:
        The server's URL, and the server.

    Raises:
        CannotListen: none of the ports is available.
        LongwireError: the broker cannot be opened, for a reason that does not pass.
    """
    from longwire import admin
    from longwire.web import create_app

    listener, port = _listen_on_any(host, ports)
    with contextlib.closing(listener):
        server = make(port)
        await server.start_or_wait()
        app = create_app(server, origins)
        if operators:
            admin.mount(
                app, server, authorize=admin.only_users(server, operators), allow_actions=True
            )
        driver = _Uvicorn(_config(app))
        serving = asyncio.create_task(driver.serve(sockets=[listener]))
        try:
            await driver.ready.wait()
            yield _url(host, listener), server
        finally:
            for listening in driver.servers:
                listening.close()
            listener.close()  # uvloop does not do that
            try:
                await server.drain()  # a second signal cancels this
            finally:
                await server.close()
                driver.should_exit = True
                await serving


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HTTP,
        ws=LANE,
        ws_per_message_deflate=False,  # it costs 100 kB for each connection
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH,
    )


def _listen_on_any(host: str, ports: tuple[int, ...]) -> tuple[socket.socket, int]:
    *others, last = ports
    for port in others:
        with contextlib.suppress(CannotListen):
            return _listen(host, port), port
    return _listen(host, last), last


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # Accepted sockets inherit this; Nagle's algorithm would delay small answers by 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {_reason(error)}") from error


def _reason(error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "the port is in use; choose another one with --port"
    # `create_server` appends the address to the message.
    return (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
