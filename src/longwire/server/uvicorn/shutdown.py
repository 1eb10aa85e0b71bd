"""Drains a server before uvicorn closes its connections.

Uvicorn first closes its WebSockets and waits for pending requests, and then sends the application
`lifespan.shutdown`. By then no client can receive a reason, and a pending poll would delay every
restart until its heartbeat. ASGI has no earlier message, so this module wraps `Server.shutdown`.
"""

import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any


def before_uvicorn_stops(
    drain: Callable[[Callable[[], bool]], Awaitable[None]], close: Callable[[], Awaitable[None]]
) -> Callable[[], None]:
    """Await `drain` at the start of uvicorn's shutdown, if uvicorn runs this process.

    Uvicorn accepts no connection from then on; requests on open ones are still served.

    Args:
        drain: moves clients to other nodes. Its argument returns true once the user has pressed
            Ctrl-C again, and wants no delay.
        close: awaited at the end of the shutdown, in case the lifespan does not run.

    Returns:
        A function that undoes this.
    """
    uvicorn = _running_uvicorn()
    if uvicorn is None:
        return _nothing
    stop = uvicorn.shutdown

    async def drain_and_stop(sockets: list[socket.socket] | None = None) -> None:
        for listener in uvicorn.servers:
            listener.close()
        for listening in sockets or ():
            listening.close()  # uvloop does not do that
        await drain(lambda: uvicorn.force_exit)
        await stop(sockets)
        await close()

    def undo() -> None:
        if uvicorn.shutdown is drain_and_stop:
            uvicorn.shutdown = stop

    uvicorn.shutdown = drain_and_stop
    return undo


def count_workers() -> int:
    """Return how many processes serve this application, as far as uvicorn or gunicorn says so."""
    uvicorn = _running_uvicorn()
    workers = getattr(getattr(uvicorn, "config", None), "workers", 1)
    # A worker of gunicorn reopens its logs at this signal.
    gunicorn = getattr(signal.getsignal(signal.SIGUSR1), "__self__", None)
    configured = getattr(getattr(gunicorn, "cfg", None), "workers", 1)
    return max(count for count in (workers, configured, 1) if isinstance(count, int))


def _running_uvicorn() -> Any:
    """Return the `uvicorn.Server` that handles the signals of this process, or None."""
    module = sys.modules.get("uvicorn")
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return owner if module is not None and isinstance(owner, module.Server) else None


def _nothing() -> None:
    """Undo nothing."""
