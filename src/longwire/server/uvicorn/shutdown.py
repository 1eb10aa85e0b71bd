"""Notifies clients of a shutdown before uvicorn closes their connections.

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
    notify: Callable[[], None], close: Callable[[], Awaitable[None]]
) -> Callable[[], None]:
    """Call `notify` at the start of uvicorn's shutdown, if uvicorn runs this process.

    Args:
        notify: notifies clients, and ends pending requests.
        close: awaited at the end of the shutdown, in case the lifespan does not run.

    Returns:
        A function that undoes this.
    """
    uvicorn = _running_uvicorn()
    if uvicorn is None:
        return _nothing
    stop = uvicorn.shutdown

    async def notify_and_stop(sockets: list[socket.socket] | None = None) -> None:
        notify()
        await stop(sockets)
        await close()

    def undo() -> None:
        if uvicorn.shutdown is notify_and_stop:
            uvicorn.shutdown = stop

    uvicorn.shutdown = notify_and_stop
    return undo


def _running_uvicorn() -> Any:
    """Return the `uvicorn.Server` that handles the signals of this process, or None."""
    module = sys.modules.get("uvicorn")
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return owner if module is not None and isinstance(owner, module.Server) else None


def _nothing() -> None:
    """Undo nothing."""
