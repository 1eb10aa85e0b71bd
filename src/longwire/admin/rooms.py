"""The rooms of this node, as rows of a page, and the log of one room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from longwire.admin.connections import MAX_ROWS, is_lagging, lag_of
from longwire.admin.paging import Query
from longwire.admin.views import LogEntry, Reader, Room
from longwire.log.publication import Publication
from longwire.record import Record
from longwire.server import Server, Socket
from longwire.server.rooms.room import HubRoom
from longwire.types import Position

Redact = Callable[[str, str, Any], Any]
"""Returns what operators see of a payload, given the room, the event's name and the payload.

None hides the payload. It must not change the payload, and what it returns must fit JSON.
"""

MAX_PAYLOAD: Final = 16_000
"""Bytes of one payload that a page shows; a longer one is hidden."""

MAX_PAYLOADS: Final = 128_000
"""Bytes of all payloads of a page; later ones are hidden."""


class RoomsQuery(Record):
    """A page of rooms whose names begin with `prefix`; or the rooms that `names` lists."""

    query: Query
    prefix: str = ""
    names: list[str] | None = None


class RoomRows(Record):
    """The rows of one node, and how many match."""

    rows: list[Room]
    total: int


class RoomReaders(Record):
    """One room on one node, and its members, the last first."""

    room: Room | None
    readers: list[Reader]


class Log(Record):
    """A part of a room's log.

    Attributes:
        end: the end of the log.
        entries: what a late joiner receives.
        is_complete: whether they reach the end.
    """

    end: Position
    entries: list[LogEntry]
    is_complete: bool


def hide(room: str, event: str, payload: object) -> None:
    """Hide every payload: the default."""


class Rooms:
    """Reads the rooms of this node. Every method looks at live objects and keeps nothing.

    Args:
        server: the node.
        node: its name.
        redact: what operators see of payloads.
    """

    def __init__(self, server: Server, node: str, redact: Redact) -> None:
        self._server = server
        self._node = node
        self._redact = redact

    def page(self, wanted: RoomsQuery) -> RoomRows:
        """Return the first rooms in the order of a query."""
        matching = self._named(wanted.names) if wanted.names is not None else self._match(wanted)
        first = wanted.query.first(matching, _VALUES[wanted.query.column])
        return RoomRows(rows=[describe(room) for room in first], total=len(matching))

    def readers(self, name: str) -> RoomReaders:
        """Return the members of a room, the last first."""
        room = self._server.hub.rooms.get(name)
        if room is None or not room.members:
            return RoomReaders(room=None, readers=[])
        behind = sorted(
            room.members.items(), key=lambda member: lag_of(room, member[1]), reverse=True
        )
        readers = [
            Reader(
                connection=socket.sid,
                user=socket.identity.user_id,
                node=self._node,
                offset=room.received - lag_of(room, member),
                lag=lag_of(room, member),
                is_live=member.live,
            )
            for socket, member in behind[:MAX_ROWS]
            if isinstance(socket, Socket)
        ]
        return RoomReaders(room=describe(room), readers=readers)

    async def log(self, name: str, after: int, limit: int) -> Log:
        """Return the entries of a room's log after an offset.

        Raises:
            BrokerUnavailable: the log cannot be read.
        """
        end = await self._server.broker.position(name)
        since = Position(end.epoch, after) if after else None
        history = await self._server.broker.read(name, since, limit=limit)
        budget = MAX_PAYLOADS
        entries: list[LogEntry] = []
        for entry in history.publications:
            size = len(entry.data)
            shown = None
            if size <= min(MAX_PAYLOAD, budget):
                shown = self._show(name, entry)
                budget -= 0 if shown is None else size
            entries.append(describe_entry(entry, shown))
        return Log(end=history.position, entries=entries, is_complete=history.complete)

    def _show(self, room: str, entry: Publication) -> object:
        if self._redact is hide:
            return None
        return self._redact(room, entry.event, msgspec.json.decode(entry.data))

    def _match(self, wanted: RoomsQuery) -> list[HubRoom]:
        query, prefix = wanted.query, wanted.prefix
        return [
            room
            for name, room in self._server.hub.rooms.items()
            if room.members and name.startswith(prefix) and query.matches(name)
        ]

    def _named(self, names: list[str]) -> list[HubRoom]:
        found = (self._server.hub.rooms.get(name) for name in names)
        return [room for room in found if room is not None and room.members]


def describe(room: HubRoom) -> Room:
    """Return the row of a room."""
    return Room(
        name=room.name,
        epoch=room.epoch,
        end=room.received,
        readers=len(room.members),
        lagging=_lagging(room),
        max_lag=_max_lag(room),
    )


def describe_entry(entry: Publication, payload: object) -> LogEntry:
    """Return the row of an entry."""
    return LogEntry(
        first=entry.first,
        last=entry.last,
        event=entry.event,
        slot=entry.slot,
        at=entry.timestamp_ms,
        size=len(entry.data),
        payload=payload,
    )


def _lagging(room: HubRoom) -> int:
    if not is_lagging(room):
        return 0
    return sum(lag_of(room, member) > 0 for member in room.members.values())


def _max_lag(room: HubRoom) -> int:
    if not is_lagging(room):
        return 0
    return max((lag_of(room, member) for member in room.members.values()), default=0)


_VALUES: Final[Mapping[str, Callable[[HubRoom], Any]]] = {
    "name": lambda room: room.name,
    "epoch": lambda room: room.epoch,
    "end": lambda room: room.received,
    "readers": lambda room: len(room.members),
    "lagging": _lagging,
    "maxLag": _max_lag,
}
