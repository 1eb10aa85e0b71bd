"""Saying goodbye before uvicorn hangs up.

Uvicorn closes its WebSockets, and waits for requests that are not answered, before it tells an
application that it stops (`lifespan.shutdown`). Nobody could then be told when to come back, and a
pending poll would hold up every restart until its heartbeat. ASGI has no earlier word for it.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable


def before_uvicorn_stops(
    goodbye: Callable[[], None], close: Callable[[], Awaitable[None]]
) -> Callable[[], None]:
    """Call `goodbye` as the first step of uvicorn's shutdown, if uvicorn runs us; return the undo.

    Args:
        goodbye: ends what uvicorn would cut off or wait for.
        close: awaited as the last step, for where nobody runs the lifespan.
    """
    uvicorn = _running_uvicorn()
    if uvicorn is None:
        return _nothing
    stop = uvicorn.shutdown

    async def say_goodbye_and_stop(sockets: list[socket.socket] | None = None) -> None:
        goodbye()
        await stop(sockets)
        await close()

    def undo() -> None:
        if uvicorn.shutdown is say_goodbye_and_stop:
            uvicorn.shutdown = stop

    uvicorn.shutdown = say_goodbye_and_stop
    return undo


def _running_uvicorn() -> Any:
    """The `uvicorn.Server` of this process: the one that takes its signals."""
    module = sys.modules.get("uvicorn")
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return owner if module is not None and isinstance(owner, module.Server) else None


def _nothing() -> None:
    """There is nothing to undo."""
