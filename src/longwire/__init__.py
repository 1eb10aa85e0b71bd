"""Realtime for ASGI, wire-compatible with Socket.IO: rooms are logs, connections are cursors.

Names are imported on first use, so that `import longwire` loads neither the server nor the client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Meta

from longwire.types import Concat, Latest, Position

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
    "Meta",
    "Position",
    "Record",
    "RoomPattern",
    "Server",
    "Socket",
    "WebSocketClient",
    "anonymous",
    "current_job",
    "issue_token",
    "jwt_authenticator",
]

_HOMES = {
    "CATALOG": "longwire.catalog",
    "WebSocketClient": "longwire.client",
    "LongwireError": "longwire.errors",
    "Job": "longwire.jobs",
    "JobState": "longwire.jobs",
    "current_job": "longwire.jobs",
    "Contract": "longwire.schema",
    "Event": "longwire.schema",
    "Record": "longwire.schema",
    "RoomPattern": "longwire.schema",
    "Identity": "longwire.server",
    "Server": "longwire.server",
    "Socket": "longwire.server",
    "anonymous": "longwire.server",
    "issue_token": "longwire.tokens",
    "jwt_authenticator": "longwire.server",
}


if not TYPE_CHECKING:  # for type checkers every name would be there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
