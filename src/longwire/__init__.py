"""Realtime for ASGI, wire-compatible with Socket.IO: rooms are logs, connections are cursors.

Names are imported on first use, so that `import longwire` loads neither the server nor the client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Meta

from longwire.types import Concat, Latest, Merge, Position

if TYPE_CHECKING:
    from longwire.catalog import CATALOG
    from longwire.client import WebSocketClient
    from longwire.errors import LongwireError
    from longwire.jobs import Job, JobState, current_job
    from longwire.schema import Contract, Event, Record, RoomPattern
    from longwire.server import (
        Identity,
        Server,
        Socket,
        anonymous,
        jwt_authenticator,
    )
    from longwire.tokens import issue_token
    from longwire.values import Snapshot

__version__ = "0.1.0"

__all__ = [
    "CATALOG",
    "Concat",
    "Contract",
    "Event",
    "Identity",
    "Job",
    "JobState",
    "Latest",
    "LongwireError",
    "Merge",
    "Meta",
    "Position",
    "Record",
    "RoomPattern",
    "Server",
    "Snapshot",
    "Socket",
    "WebSocketClient",
    "anonymous",
    "current_job",
    "issue_token",
    "jwt_authenticator",
]

_HOMES = {
    "longwire.catalog": {"CATALOG"},
    "longwire.client": {"WebSocketClient"},
    "longwire.errors": {"LongwireError"},
    "longwire.jobs": {"Job", "JobState", "current_job"},
    "longwire.schema": {"Contract", "Event", "Record", "RoomPattern"},
    "longwire.server": {"Identity", "Server", "Socket", "anonymous", "jwt_authenticator"},
    "longwire.tokens": {"issue_token"},
    "longwire.values": {"Snapshot"},
}

# Packages that `import longwire` makes available by their names, for `longwire.admin.mount(…)`.
_MODULES = ("admin", "metrics")


if not TYPE_CHECKING:  # with __getattr__, type checkers would accept every name

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"longwire.{name}")
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
