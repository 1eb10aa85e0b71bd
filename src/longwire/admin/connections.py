"""The connections of this node, as rows of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

from longwire.admin.paging import Query
from longwire.admin.views import Connection, ConnectionState, Cursor
from longwire.record import Record
from longwire.server import Server, Socket
from longwire.server.rooms.room import HubRoom, Member

MAX_ROWS: Final = 500
"""Rows of a list inside a view, such as the cursors of one connection."""


class ConnectionRows(Record):
    """The rows of one node, and how many match."""

    rows: list[Connection]
    total: int


def lag_of(room: HubRoom, member: Member) -> int:
    """Return how many entries a member is behind what this node has received of the log."""
    return 0 if member.live else max(0, room.received - member.offset)


def is_lagging(room: HubRoom) -> bool:
    """Return whether some member is not live; costs two lengths."""
    return len(room.live) != len(room.members)


def find_lags(server: Server) -> dict[object, int]:
    """Return the worst lag of each recipient that is behind in some room."""
    lags: dict[object, int] = {}
    for room in server.hub.rooms.values():
        if is_lagging(room):
            for recipient, member in room.members.items():
                lag = lag_of(room, member)
                if lag > lags.get(recipient, 0):
                    lags[recipient] = lag
    return lags


class Connections:
    """Reads the connections of this node. Every method looks at live objects and keeps nothing.

    Args:
        server: the node.
        node: its name.
    """

    def __init__(self, server: Server, node: str) -> None:
        self._server = server
        self._node = node

    def page(self, query: Query) -> ConnectionRows:
        """Return the first connections in the order of a query.

        Only the rows of the page are built: 10,000 rows would take longer than sorting them.
        """
        lags = find_lags(self._server)
        matching = [socket for socket in self._server.sockets if self._matches(query, socket)]
        first = query.first(matching, self._value(query.column, lags))
        rows = [self.describe(socket, lags.get(socket, 0)) for socket in first]
        return ConnectionRows(rows=rows, total=len(matching))

    def find(self, id: str) -> Socket | None:
        """Return the client with this public id."""
        return next((socket for socket in self._server.sockets if socket.sid == id), None)

    def describe(self, socket: Socket, lag: int) -> Connection:
        """Return the row of a client."""
        return Connection(
            id=socket.sid,
            user=socket.identity.user_id,
            is_service=socket.identity.service,
            node=self._node,
            transport=socket.session.engine.transport,
            address=mask(socket.session.remote),
            contract=socket.contract,
            since=int(socket.since * 1000),
            round_trip=_rounded(socket.session.engine.round_trip),
            rooms=len(socket.rooms),
            lag=lag,
            state=_state(socket, lag),
        )

    def cursors(self, socket: Socket) -> list[Cursor]:
        """Return how far a client has read each of its rooms, the worst first."""
        rooms = self._server.hub.rooms
        found: list[Cursor] = []
        for name in socket.rooms:
            room = rooms.get(name)
            member = room.members.get(socket) if room is not None else None
            if room is None or member is None:
                continue
            lag = lag_of(room, member)
            found.append(
                Cursor(
                    room=name,
                    offset=room.received - lag,
                    end=room.received,
                    lag=lag,
                    is_live=member.live,
                )
            )
        found.sort(key=lambda cursor: (-cursor.lag, cursor.room))
        return found[:MAX_ROWS]

    def _matches(self, query: Query, socket: Socket) -> bool:
        return not query.q or query.matches(
            socket.identity.user_id,
            socket.sid,
            socket.contract,
            socket.session.engine.transport,
            mask(socket.session.remote),
        )

    def _value(self, column: str, lags: Mapping[object, int]) -> Callable[[Socket], Any]:
        if column == "lag":
            return lambda socket: lags.get(socket, 0)
        if column == "state":
            return lambda socket: _state(socket, lags.get(socket, 0))
        return _VALUES[column]


_VALUES: Final[Mapping[str, Callable[[Socket], Any]]] = {
    "id": lambda socket: socket.sid,
    "user": lambda socket: socket.identity.user_id,
    "isService": lambda socket: socket.identity.service,
    "node": lambda socket: 0,
    "transport": lambda socket: socket.session.engine.transport,
    "address": lambda socket: socket.session.remote,
    "contract": lambda socket: socket.contract,
    "since": lambda socket: socket.since,
    "roundTrip": lambda socket: socket.session.engine.round_trip,
    "rooms": lambda socket: len(socket.rooms),
}


def mask(address: str) -> str:
    """Return an address without its host part: enough to see one network, not one household."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:50]  # a Unix socket, or what a proxy made of it
    if parsed.is_loopback:
        return address
    prefix = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network((parsed, prefix), strict=False))


def _state(socket: Socket, lag: int) -> ConnectionState:
    if socket.session.stalled:
        return "stalled"
    return "lagging" if lag else "ok"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
