"""The asyncio client.

client          `WebSocketClient`, what users see; `shared` gives one to the whole process
connector       gets and keeps the connection: attempts, sign-in, giving up
wire            one connection, from open to close, over `transport` (WebSocket) or `polling`
inbox           the receive path
subscriptions   who hears what, and the queues between the read loop and handlers; `gate`
                pauses and throttles them
rooms           memberships and positions
outbox          what waits to be sent or confirmed, in memory or in a file
reconnection    whether and when to come back
"""

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
from longwire.client.receiving.entry import LogEntry
from longwire.client.receiving.room import Room
from longwire.client.rooms.membership import JoinResult, RoomReset, RoomStatus
from longwire.client.state import TRANSITIONS, ConnectionState, ConnectionStatus

__all__ = [
    "TRANSITIONS",
    "ClientKeywords",
    "ClientOptions",
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
