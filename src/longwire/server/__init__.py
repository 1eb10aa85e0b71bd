"""The server: sessions, rooms, fan-out, jobs and HTTP transports over any ASGI server."""

from longwire.server.access.authentication import (
    Authenticator,
    Identity,
    anonymous,
    jwt_authenticator,
)
from longwire.server.access.publish_rules import PublishRule
from longwire.server.access.rules import Rule, is_signed_in
from longwire.server.clients.socket import Socket
from longwire.server.consumers.delivery import ConsumerStatus, Delivery, ParkedEvent
from longwire.server.control.actions import Action
from longwire.server.control.occupancy import RoomHook
from longwire.server.control.watchers import Watchers
from longwire.server.errors import TooManyRevocations, UnknownJob, UnknownParkedEvent
from longwire.server.lifecycle.readiness import Readiness
from longwire.server.limits import Limits
from longwire.server.recovery.recovery import RecoveryOptions
from longwire.server.rooms.handle import ServerRoom
from longwire.server.rooms.hub import Hub
from longwire.server.server import Server
from longwire.tokens import issue_token

__all__ = [
    "Action",
    "Authenticator",
    "ConsumerStatus",
    "Delivery",
    "Hub",
    "Identity",
    "Limits",
    "ParkedEvent",
    "PublishRule",
    "Readiness",
    "RecoveryOptions",
    "RoomHook",
    "Rule",
    "Server",
    "ServerRoom",
    "Socket",
    "TooManyRevocations",
    "UnknownJob",
    "UnknownParkedEvent",
    "Watchers",
    "anonymous",
    "is_signed_in",
    "issue_token",
    "jwt_authenticator",
]
