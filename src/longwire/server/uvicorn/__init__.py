"""Faster transports for uvicorn, to be passed to `--http` and `--ws`.

    uvicorn --http longwire.server.uvicorn:HTTPProtocol \\
        --ws longwire.server.uvicorn:WebSocketProtocol app:app

`WebSocketProtocol` passes Longwire's WebSockets to a `Lane`, which reads and writes the transport
directly; other WebSockets stay with uvicorn. With `HTTPProtocol` their handshakes do not go through
uvicorn's HTTP implementation either: connecting costs a tenth less, and a connection uses half a
kilobyte less memory. It also limits the time and the size of a request's head.

The classes are imported on first use: other modules of this package also serve ASGI servers other
than uvicorn, which may not be installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.server.uvicorn.http import HTTPProtocol
    from longwire.server.uvicorn.websocket import WebSocketProtocol

__all__ = ["HTTPProtocol", "WebSocketProtocol"]


if not TYPE_CHECKING:  # with __getattr__, type checkers would accept every name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = "http" if name == "HTTPProtocol" else "websocket"
        return getattr(import_module(f"{__name__}.{module}"), name)
