"""The server: sessions, rooms, fan-out, jobs and HTTP transports over any ASGI server."""

from longwire.server.authentication import (
    Authenticator,
    Identity,
    anonymous,
    issue_token,
    jwt_authenticator,
)
from longwire.server.hub import Hub
from longwire.server.job_registry import UnknownJob
from longwire.server.limits import Limits
from longwire.server.recovery import RecoveryOptions
from longwire.server.rules import Rule, is_signed_in
from longwire.server.server import Server
from longwire.server.socket import Socket

__all__ = [
    "Authenticator",
    "Hub",
    "Identity",
    "Limits",
    "RecoveryOptions",
    "Rule",
    "Server",
    "Socket",
    "UnknownJob",
    "anonymous",
    "is_signed_in",
    "issue_token",
    "jwt_authenticator",
]
