"""The asyncio client."""

from longwire.errors import needing

with needing("client"):
    from longwire.client.client import WebSocketClient

from longwire.client.connection.tokens import TokenSource
from longwire.client.default import get_websocket_client
from longwire.client.handlers.listener import Listener
from longwire.client.handlers.stream import EventStream
from longwire.client.health import HealthSnapshot
from longwire.client.job_tracker import JobTracker
from longwire.client.options import ClientKeywords, ClientOptions
from longwire.client.quality import ConnectionQuality
from longwire.client.receiving.inbox import LogEntry
from longwire.client.receiving.room import Room
from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus
from longwire.client.state import TRANSITIONS, ConnectionState, ConnectionStatus

__all__ = [
    "TRANSITIONS",
    "ClientKeywords",
    "ClientOptions",
    "ConnectionQuality",
    "ConnectionState",
    "ConnectionStatus",
    "EventStream",
    "HealthSnapshot",
    "JobTracker",
    "JoinResult",
    "Listener",
    "LogEntry",
    "Room",
    "RoomReset",
    "RoomStatus",
    "TokenSource",
    "WebSocketClient",
    "get_websocket_client",
]
