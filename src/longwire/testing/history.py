"""Records what was published and what every reader applied.

    history = History()
    history.reader("ada").follow(client, "job:42")
    await history.publish(worker, JobStatus(job_id="42", status="running"))
    await history.caught_up()
    history.check()

Whatever happens in between, be it cut links, killed servers or stalled readers: `check` proves
that each reader has exactly what was published, or names the first offset at which it has not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from longwire.catalog import CATALOG
from longwire.client import RoomReset
from longwire.errors import InvalidRoom
from longwire.testing.proof import Heard, Proof, prove
from longwire.testing.record import Attempt, Entry, Frame, RoomRecord, Stretch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from longwire.client import LogEntry, WebSocketClient
    from longwire.schema import Contract, Event
    from longwire.types import Position


class Publisher(Protocol):
    """What events are published through: a server or a client."""

    def publish(
        self, event: Event, *, room: str | None = None, id: str | None = None
    ) -> Awaitable[Position]:
        """Append an event to its room's log."""
        ...


class History:
    """What happened in the rooms of one test; for one event loop.

    Everything that is published to a room with a reader must be recorded: what nobody published
    counts as invented.

    Args:
        contract: tells how events conflate.
    """

    def __init__(self, contract: Contract = CATALOG) -> None:
        self._contract = contract
        self._rooms: dict[str, RoomRecord] = {}
        self._readers: dict[str, Reader] = {}
        self._publishers: dict[Publisher, str] = {}
        self._news = asyncio.Event()

    # Publishing

    async def publish(
        self, host: Publisher, event: Event, *, room: str | None = None, id: str | None = None
    ) -> Position:
        """Publish through `host` and record it; what one host publishes has to keep its order.

        If this raises or is cancelled, the event may stand in the log once, or not at all.
        """
        name = self._publishers.setdefault(host, f"publisher {len(self._publishers) + 1}")
        attempt = self.offer(event, room=room, id=id, publisher=name)
        position = await host.publish(event, room=room, id=id)
        self.acknowledge(attempt, position)
        return position

    def offer(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        publisher: str | None = None,
    ) -> Attempt:
        """Record that an event is about to be published, by whatever means.

        Args:
            event: the event.
            room: where the event does not tell its room.
            id: one event under one id in one room is one publication, however often it is tried.
            publisher: what one publisher offers has to stand in that order; None promises none.

        Raises:
            InvalidRoom: nothing tells the room.
        """
        encoded = self._contract.encode(event, 0, room)
        if encoded.room is None:
            raise InvalidRoom("", f"{encoded.event} does not tell its room")
        entry = Entry.read(encoded.event, encoded.data, encoded.slot, encoded.concat)
        return self._room(encoded.room).offer(entry, id, publisher)

    def acknowledge(self, attempt: Attempt, position: Position) -> None:
        """Record where an offered event stands, as its publisher was told."""
        self._room(attempt.room).acknowledge(attempt, position)

    def forget(self, room: str, offset: int) -> None:
        """Record that retention may have dropped what lies up to `offset`, state excepted."""
        self._room(room).forgotten = offset

    # Reading

    def reader(self, name: str) -> Reader:
        """Return the reader of that name, a new one if there is none."""
        return self._readers.setdefault(name, Reader(name, self._news))

    async def caught_up(self) -> None:
        """Wait until every reader is at the end of each of its rooms, as far as acknowledged."""
        while not all(map(self._is_caught_up, self._readers.values())):
            self._news.clear()
            await self._news.wait()

    def check(self) -> Proof:
        """Prove order, completeness and uniqueness, for every room and reader.

        Returns:
            What was proven, in numbers.

        Raises:
            BrokenPromise: names the first fault.
        """
        heard = [
            Heard(reader.name, self._room(room).name, stretches, reader.resets.get(room, 0))
            for reader in self._readers.values()
            for room, stretches in reader.stretches.items()
        ]
        return prove(self._rooms, heard)

    def _room(self, name: str) -> RoomRecord:
        return self._rooms.setdefault(name, RoomRecord(name))

    def _is_caught_up(self, reader: Reader) -> bool:
        for name in reader.stretches:
            room, position = self._room(name), reader.position(name)
            if room.end and (position.epoch != room.epoch or position.offset < room.end):
                return False
        return True


class Reader:
    """What one client applied, in the order in which it did.

    Attributes:
        name: how faults name it.
        stretches: by room, what it applied since it joined, and since each time it began anew.
        resets: by room, how often it was told to begin anew.
    """

    def __init__(self, name: str, news: asyncio.Event) -> None:
        self.name = name
        self.stretches: dict[str, list[Stretch]] = {}
        self.resets: dict[str, int] = {}
        self._news = news

    def join(self, room: str, after: Position | None = None) -> None:
        """Be in a room from its start, or from behind `after`, and to its end."""
        start = Stretch("", 0) if after is None else Stretch(after.epoch, after.offset)
        self.stretches[room] = [start]

    def position(self, room: str) -> Position:
        """How far the reader is in a room that it is in."""
        return self.stretches[room][-1].position

    async def reaches(self, room: str, offset: int) -> None:
        """Wait until the reader has applied what stands at `offset`."""
        while self.position(room).offset < offset:
            self._news.clear()
            await self._news.wait()

    def apply(self, room: str, epoch: str, frame: Frame) -> None:
        """Record that the reader applied a frame; of a room that it is not in, nothing."""
        stretches = self.stretches.get(room)
        if stretches is None:
            return
        newest = stretches[-1]
        newest.epoch = newest.epoch or epoch
        if newest.epoch != epoch or (frame.first == 1 and newest.frames):
            newest = Stretch(epoch, 0)
            stretches.append(newest)
        newest.frames.append(frame)
        self._news.set()

    def reset(self, room: str) -> None:
        """Record that the reader was told to begin anew in a room."""
        self.resets[room] = self.resets.get(room, 0) + 1

    def follow(self, client: WebSocketClient, *rooms: str) -> Callable[[], None]:
        """Be in `rooms` from their start, and record what `client` applies; return the undo.

        The client has to join them itself.
        """
        for room in rooms:
            self.join(room)

        def receive(entry: LogEntry) -> None:
            position = client.position(entry.room)
            if position is not None:
                frame = Frame(entry.first, entry.last, entry.event, bytes(entry.data))
                self.apply(entry.room, position.epoch, frame)

        def receive_reset(reset: RoomReset) -> None:
            self.reset(reset.room)

        stop_hearing = client.on_entry(receive)
        stop_watching = client.on(RoomReset, receive_reset)

        def undo() -> None:
            stop_hearing()
            stop_watching()

        return undo
