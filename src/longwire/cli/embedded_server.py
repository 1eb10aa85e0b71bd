"""A Longwire server in this process: what `serve`, `demo` and an embedded `run` have in common."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from longwire.broker import open_broker
from longwire.server import Identity, Server
from longwire.types import override

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Generator

    from longwire.server import Authenticator

# Our own WebSocket lane; everything that is not Longwire's it hands to uvicorn's.
LANE: Final = "longwire.server.uvicorn:WebSocketProtocol"
HTTP: Final = "longwire.server.uvicorn:HTTPProtocol"

# What a stopped server grants to requests that are still being answered.
DRAIN: Final = 5

_BACKLOG: Final = 2048


class CannotListen(OSError):
    """The address cannot be listened on."""


class _Uvicorn(uvicorn.Server):
    """A uvicorn that says when it has started, and leaves signals to the command."""

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


def make_server(broker: str, authenticate: Authenticator, origins: Collection[str] = ()) -> Server:
    """Return the server of the command line, with its room rules.

    Everyone signed in is let into `campaign:*`, `agent:*` and jobs without an owner; a job with
    an owner is theirs.

    Args:
        broker: `memory:`, `sqlite:///…` or `redis://…`.
        authenticate: tells whose a token is.
        origins: of web pages that may connect, beside the server's own.

    Raises:
        LongwireError: there is no such broker, or that is no origin.
    """
    server = Server(
        broker=open_broker(broker),
        authenticate=authenticate,
        shared_jobs=True,
        allowed_origins=origins,
    )
    server.rule("campaign:{campaign_id}")(_is_signed_in)
    server.rule("agent:{agent_type}")(_is_signed_in)
    return server


async def _is_signed_in(identity: Identity, parameters: Any) -> bool:
    return True


@asynccontextmanager
async def listening(
    make: Callable[[int], Server], host: str, *ports: int, origins: Collection[str] = ()
) -> AsyncGenerator[tuple[str, Server]]:
    """Serve at the address that is given to the body; then say goodbye to every client.

    Args:
        make: makes the server for a port; 0 if that was not chosen. It is served together with
            the HTTP interface and the web page.
        host: the address to listen on.
        *ports: the first one of these that can be had; 0 takes a free one.
        origins: of web pages that may use the HTTP interface, beside the server's own.

    Raises:
        CannotListen: the address cannot be listened on.
        LongwireError: the broker cannot be opened.
    """
    from longwire.web import create_app

    listener, port = _listen_on_any(host, ports)
    with contextlib.closing(listener):
        server = make(port)
        await server.start()
        driver = _Uvicorn(_config(create_app(server, origins)))
        serving = asyncio.create_task(driver.serve(sockets=[listener]))
        try:
            await driver.ready.wait()
            yield _url(host, listener), server
        finally:
            await server.close()
            driver.should_exit = True
            await serving


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HTTP,
        ws=LANE,
        ws_per_message_deflate=False,  # costs 100 kB a connection
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
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
        # What it accepts inherits this: a small answer is not held back for 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {_reason(error)}") from error


def _reason(error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "the port is in use; --port takes another one"
    # `create_server` says the address once more.
    return (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
