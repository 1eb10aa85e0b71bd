"""Faster transports under uvicorn: pass these classes to `--http` and `--ws`.

    uvicorn --http longwire.server.uvicorn:HTTPProtocol \\
        --ws longwire.server.uvicorn:WebSocketProtocol app:app

The classes are imported when they are first used, because the rest of this package also serves
other ASGI servers, where uvicorn is not installed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.server.uvicorn.protocols import HTTPProtocol, WebSocketProtocol

__all__ = ["HTTPProtocol", "WebSocketProtocol"]


if not TYPE_CHECKING:  # for type checkers every name would exist

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from longwire.server.uvicorn import protocols

        return getattr(protocols, name)
